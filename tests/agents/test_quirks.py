"""What real servers send, each over a real socket: whole, byte by byte, and at random cuts."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from council.agents.openai_http import OpenAIHTTPAgent
from council.errors import AgentError, StreamError
from council.expert import Expert
from council.limits import Timeouts
from council.live import LiveReply
from council.messages import ChatMessage, ChatRequest
from council.replies import Reply
from tests.support.collect import collect
from tests.support.raw_server import (
    DONE,
    END,
    FINISH,
    STREAM_HEAD,
    Step,
    chunked,
    delta,
    raw_server,
    sse,
)

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest("m", (ChatMessage("user", "hi"),))


def choice(**fields: Any) -> bytes:
    return sse({"choices": [{"index": 0, **fields}]})


A, B = delta("a"), delta("b")
AZURE_FIRST = sse({"choices": [], "prompt_filter_results": [{}]})
USAGE = sse({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
NO_USAGE = sse({"choices": [], "usage": None})
TOOL = choice(
    delta={"tool_calls": [{"id": "x", "function": {"name": "f", "arguments": '{"a"'}}]},
    finish_reason=None,
)
TOOL_REST = choice(delta={"tool_calls": [{"index": None, "function": {"arguments": ": 1}"}}]})
WHOLE_JSON = json.dumps(
    {"choices": [{"index": 0, "message": {"content": "ab"}, "finish_reason": "stop"}]}
).encode()

TWO_LINES = b'data: {"choices": [{"delta":\ndata: {"content": "a"}}]}\n\n'

# What a good reader makes of it: (what it is, the body, the reply's text).
GOOD: list[tuple[str, bytes, str]] = [
    ("comments as keep-alive", b": OPENROUTER PROCESSING\n\n" + A + b": x\n\n" + B + FINISH, "ab"),
    ("no choices", AZURE_FIRST + A + B + FINISH + USAGE + NO_USAGE + DONE, "ab"),
    ("a choice without delta", choice() + A + choice(delta=None) + B + FINISH, "ab"),
    ("null content", choice(delta={"role": "assistant", "content": None}) + A + FINISH, "a"),
    ("content in parts", choice(delta={"content": [{"type": "text", "text": "ab"}]}) + DONE, "ab"),
    ("reasoning_content", choice(delta={"reasoning_content": "hm"}) + A + FINISH, "a"),
    ("reasoning", choice(delta={"reasoning": "hm"}) + A + FINISH, "a"),
    ("empty finish reasons", choice(delta={"content": "a"}, finish_reason="") + FINISH, "a"),
    ("unknown finish reason", A + choice(delta={}, finish_reason="whim") + DONE, "a"),
    ("no [DONE]", A + B + FINISH, "ab"),
    ("no finish reason", A + B + DONE, "ab"),
    ("[DONE] without its blank line", A + B + b"data: [DONE]", "ab"),
    ("data after [DONE]", A + DONE + B + b"data: garbage\n\n" + DONE, "a"),
    ("CR line ends", (A + B + FINISH + DONE).replace(b"\n", b"\r"), "ab"),
    ("CRLF line ends", (A + B + FINISH + DONE).replace(b"\n", b"\r\n"), "ab"),
    ("a byte order mark", b"\xef\xbb\xbf" + A + FINISH, "a"),
    ("no space after data:", (A + FINISH).replace(b"data: ", b"data:"), "a"),
    ("unicode line separators", delta("a\u2028b\u0085c") + FINISH, "a\u2028b\u0085c"),
    ("broken characters", A.replace(b'"a"', b'"a\xff"') + FINISH, "a\N{REPLACEMENT CHARACTER}"),
    ("JSON over several data lines", TWO_LINES + FINISH, "a"),
    ("many chunks in one read", delta("x") * 50 + FINISH, "x" * 50),
    ("plain JSON for a stream", WHOLE_JSON, "ab"),
    ("blank lines before plain JSON", b"\n\n \n" + WHOLE_JSON, "ab"),
]

# What is no answer: (what it is, the body, part of the error's message, the partial text).
BAD: list[tuple[str, bytes, str, str]] = [
    ("an error inside a 200", A + sse({"error": {"message": "boom"}}) + DONE, "boom", "a"),
    ("an error as text", A + sse({"error": "boom"}), "boom", "a"),
    ("an error object", A + sse({"object": "error", "message": "boom"}), "boom", "a"),
    ("a typed error", A + sse({"type": "error", "message": "boom"}), "boom", "a"),
    ("an error with no choices", sse({"choices": [], "error": {"message": "boom"}}), "boom", ""),
    ("event: error", A + b'event: error\ndata: {"message": "boom"}\n\n' + DONE, "boom", "a"),
    ("a line error:", A + b'error: {"message": "boom"}\n\n' + DONE, "boom", "a"),
    ("a server that gives up", A + choice(delta={}, finish_reason="abort") + DONE, "gave up", "a"),
    ("an end without an end", A + B, "ended before the reply was finished", "ab"),
    ("half a frame at the end", A + B[:20], "ended before the reply was finished", "a"),
    ("an empty body", b"", "empty", ""),
    ("malformed JSON", A + b"data: {'choices': 1}\n\n" + DONE, "malformed", "a"),
    ("plain JSON with an error", b'{"error": {"message": "boom"}}', "boom", ""),
    ("half a plain JSON", WHOLE_JSON[:-5], "malformed", ""),
]

Cut = Callable[[bytes], list[bytes]]


def at_random(body: bytes) -> list[bytes]:
    places = sorted(random.Random(len(body)).choices(range(len(body) + 1), k=7))
    return [body[i:j] for i, j in zip([0, *places], [*places, len(body)], strict=True)]


CUTS: dict[str, Cut] = {
    "whole": lambda body: [body],
    "byte by byte": lambda body: [body[i : i + 1] for i in range(len(body))],
    "at random": at_random,
}


async def ask(body: bytes, cut: str) -> Reply:
    """The reply that a body comes to; raises what the agent raises."""
    pieces: list[Step] = [chunked(piece) for piece in CUTS[cut](body) if piece]
    async with raw_server([STREAM_HEAD, *pieces, END]) as server:
        agent = OpenAIHTTPAgent("a", "m", server.url, timeouts=Timeouts(first_token=10, idle=10))
        live = LiveReply(Expert("a", agent), REQUEST, 0, "answer")
        try:
            for token in await collect(agent, REQUEST):
                live.take(token, 0.0)
        finally:
            await agent.aclose()
    return live.end("complete", 0.0)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(("body", "text"), [pytest.param(b, t, id=name) for name, b, t in GOOD])
async def test_understood(body: bytes, text: str, cut: str) -> None:
    assert (await ask(body, cut)).text == text


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    ("body", "message", "partial"), [pytest.param(b, m, p, id=name) for name, b, m, p in BAD]
)
async def test_reported(body: bytes, message: str, partial: str, cut: str) -> None:
    with pytest.raises(StreamError, match=message) as caught:
        await ask(body, cut)
    assert caught.value.partial == partial


@pytest.mark.parametrize("cut", CUTS)
async def test_what_else_comes_through(cut: str) -> None:
    stop = choice(delta={}, finish_reason="stop")
    reply = await ask(choice(delta={"reasoning": "hm"}) + TOOL + TOOL_REST + stop + USAGE, cut)
    assert reply.reasoning == "hm"
    assert [(c.id, c.name, c.arguments) for c in reply.tool_calls] == [("x", "f", '{"a": 1}')]
    assert reply.finish_reason == "tool_calls"
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 2
    refused = await ask(choice(delta={"refusal": "no"}) + stop, cut)
    assert (refused.refusal, refused.text) == ("no", "")


@pytest.mark.parametrize("status", [200, 502])
async def test_a_gateways_page(status: int) -> None:
    page = b"<html>" + b"x" * 5000 + b"</html>"
    head = f"HTTP/1.1 {status} X\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\n"
    async with raw_server([head.encode() + b"\r\n" + page]) as server:
        agent = OpenAIHTTPAgent("a", "m", server.url)
        with pytest.raises(AgentError, match=f"HTTP {status}.*<html>xxx") as caught:
            await collect(agent, REQUEST)
        await agent.aclose()
    assert len(str(caught.value)) < 800


async def test_no_server_is_asked_to_compress() -> None:
    async with raw_server([b"HTTP/1.1 200 OK\r\n\r\n" + A + FINISH]) as server:
        agent = OpenAIHTTPAgent("a", "m", server.url)
        await collect(agent, REQUEST)
        await agent.aclose()
    assert server.requests[0].headers["accept-encoding"] == "identity"
