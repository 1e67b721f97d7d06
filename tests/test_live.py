"""What becomes of a reply's tokens."""

from __future__ import annotations

from council.agents.scripted import ScriptedAgent
from council.expert import Expert
from council.live import LiveReply
from council.messages import ChatMessage, ChatRequest, ChatToken, ToolCall, ToolCallDelta, Usage
from council.replies import Reply
from council.strategies.base import shortcomings, substantive


def reply(*tokens: ChatToken, question: str = "x" * 40) -> Reply:
    request = ChatRequest("m", (ChatMessage("user", question),))
    live = LiveReply(Expert("a", ScriptedAgent("a", "-")), request, 0, "answer")
    live.start(10.0)
    for i, token in enumerate(tokens):
        live.take(token, 11.0 + i)
    return live.end("complete", 20.0)


def test_texts_are_joined_and_timed() -> None:
    whole = reply(ChatToken(reasoning="hm"), ChatToken(text="a"), ChatToken(text="b"))
    assert (whole.text, whole.reasoning) == ("ab", "hm")
    assert (whole.timings.first_token, whole.timings.total) == (1.0, 10.0)


def test_usage_as_reported() -> None:
    usage = Usage(1, 2)
    assert reply(ChatToken(text="a"), ChatToken(usage=usage), ChatToken()).usage == usage


def test_usage_estimated_and_marked_so() -> None:
    assert reply(ChatToken(text="y" * 9)).usage == Usage(10, 3, estimated=True)
    assert reply().usage is None
    assert (Usage(1, 1) + Usage(1, 1, estimated=True)).estimated


def test_tool_calls_are_assembled() -> None:
    whole = reply(
        ChatToken(tool_calls=(ToolCallDelta(0, "x", "f", '{"a"'),)),
        ChatToken(tool_calls=(ToolCallDelta(1, "y", "g", "{}"), ToolCallDelta(0, "", "", ": 1}"))),
        ChatToken(finish_reason="tool_calls"),
    )
    assert whole.tool_calls == (ToolCall("x", "f", '{"a": 1}'), ToolCall("y", "g", "{}"))


def test_of_several_answers_the_first_is_the_reply() -> None:
    other = ChatToken(text="b", choice=1)
    whole = reply(other, ChatToken(text="a"), ChatToken(usage=Usage(1, 1), choice=1))
    assert (whole.text, whole.usage) == ("a", Usage(1, 1))


def test_a_marked_refusal_is_no_answer() -> None:
    refused = reply(ChatToken(refusal="I will not."), ChatToken(finish_reason="stop"))
    assert refused.refusal == "I will not."
    assert substantive([refused]) == []
    assert shortcomings([refused]) == ("a: refused to answer",)
