"""The events of Anthropic's streams, from a run's events alone."""

from __future__ import annotations

from typing import Any

import pytest

from council.agents.scripted import ScriptedAgent, Steps
from council.council import open_council
from council.errors import StreamError
from council.events import AnswerToken, RunFinished
from council.gateway.errors import RunFailed
from council.gateway.messages_answer import SIGNATURE, Head, MessageEvents, message, usage
from council.gateway.telling import Teller
from council.messages import ChatToken, Usage
from council.result import Result
from tests.gateway.dialects import named

pytestmark = pytest.mark.anyio
HEAD = Head("msg_1", "panel", "r1", ("max_tokens",), "req_1")


async def told(
    *scripts: tuple[Steps, ...], teller: Teller | None = None, **options: Any
) -> tuple[list[dict[str, Any]], Result]:
    """The events that tell of a run, and its result."""
    events = MessageEvents(HEAD, teller or Teller())
    agents = [ScriptedAgent(id, *script) for id, script in zip("abcde", scripts, strict=False)]
    text = events.begin()
    async with open_council(agents) as council, council.stream("6 * 7?", **options) as run:
        async for event in run:
            text += events.hear(event)
    return named(text), run.result


def types(found: list[dict[str, Any]]) -> list[tuple[str, int | None]]:
    return [(event["type"], event.get("index")) for event in found]


async def test_the_sequence_of_a_short_answer() -> None:
    found, result = await told(("It is 42.",), ("It is 42.",))
    assert types(found) == [
        ("message_start", None),
        ("content_block_start", 0),
        ("content_block_delta", 0),
        ("content_block_stop", 0),
        ("message_delta", None),
        ("message_stop", None),
    ]
    begun = found[0]["message"]
    assert (begun["content"], begun["stop_reason"]) == ([], None)
    assert begun["council"] == {"run_id": "r1"}
    assert found[1]["content_block"] == {"type": "text", "text": ""}
    assert found[2]["delta"] == {"type": "text_delta", "text": "It is 42."}
    ending = found[-2]
    assert ending["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert ending["usage"] == usage(result.usage)
    assert ending["council"]["status"] == "complete"


async def test_experts_are_a_block_of_thoughts_before_the_answer() -> None:
    scripts = (("It is 42.",), ("It is 42.",))
    found, _ = await told(*scripts, teller=Teller("experts"))
    blocks = [event["content_block"] for event in found if "content_block" in event]
    assert blocks == [
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "text", "text": ""},
    ]
    deltas = [event["delta"] for event in found if event["type"] == "content_block_delta"]
    thought = "".join(delta.get("thinking", "") for delta in deltas)
    assert thought == "a: It is 42.\n\nb: It is 42."
    assert {"type": "signature_delta", "signature": SIGNATURE} in deltas


async def test_a_draft_that_is_void_and_the_answer_after_it() -> None:
    cut: Steps = ["It is forty", StreamError("cut off")]
    found, result = await told(
        ("42", cut), ("42", "It comes to 42."), ("42",), strategy="synthesize"
    )
    blocks = [event["content_block"]["type"] for event in found if "content_block" in event]
    assert blocks == ["text", "thinking", "text"]
    texts = ["", "", ""]
    for event in found:
        if event["type"] == "content_block_delta":
            delta = event["delta"]
            texts[event["index"]] += delta.get("text", "") + delta.get("thinking", "")
    assert texts[0] == "It is forty"
    assert texts[1].startswith("[A draft of the answer was discarded: ")
    assert texts[2].endswith("anew.]\n\nIt comes to 42.")
    assert result.answer == "It comes to 42."
    assert found[-2]["council"]["discarded"]


async def test_an_answer_that_was_cut_off() -> None:
    cut = [ChatToken(text="It is 42", finish_reason="length")]
    found, result = await told((cut,), (cut,))
    assert found[-2]["delta"]["stop_reason"] == "max_tokens"
    assert message(HEAD, result)["stop_reason"] == "max_tokens"


async def test_a_failed_run_has_no_end() -> None:
    error = StreamError("no")
    found, result = await told(([error],), ([error],))
    assert types(found) == [("message_start", None)]
    assert result.error is not None


async def test_a_failure() -> None:
    text = MessageEvents(HEAD, Teller()).fail(RunFailed(502, "quorum_lost", "too few"))
    [event] = named(text)
    assert event["error"] == {"type": "api_error", "message": "too few"}
    assert event["request_id"] == "req_1"


async def test_a_whole_message() -> None:
    _, result = await told(("It is 42.",), ("It is 42.",))
    body = message(HEAD, result, "a: It is 42.")
    assert body["content"] == [
        {"type": "thinking", "thinking": "a: It is 42.", "signature": SIGNATURE},
        {"type": "text", "text": "It is 42."},
    ]
    assert (body["type"], body["role"], body["model"]) == ("message", "assistant", "panel")
    assert body["council"]["ignored"] == ["max_tokens"]


async def test_an_answer_without_a_word_has_a_block() -> None:
    _, result = await told(("It is 42.",), ("It is 42.",))
    events = MessageEvents(HEAD, Teller())
    events.hear(AnswerToken(0.0, ""))
    empty = Result(**{**_fields(result), "answer": ""})
    found = named(events.hear(RunFinished(0.0, empty)))
    assert [event["type"] for event in found][:2] == ["content_block_start", "content_block_stop"]


def _fields(result: Result) -> dict[str, Any]:
    return {name: getattr(result, name) for name in Result.__dataclass_fields__}


def test_the_cache_is_counted_apart() -> None:
    assert usage(Usage(10, 5, cached_tokens=4)) == {
        "input_tokens": 6,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 4,
        "output_tokens": 5,
    }
