"""What real servers send, each over a real socket: whole, byte by byte, and at random cuts."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from council.agents.openai_http import OpenAIHTTPAgent
from council.errors import AgentError, StreamError
from council.expert import Expert
from council.limits import Timeouts
from council.live import LiveReply
from council.messages import ChatMessage, ChatRequest
from council.replies import Reply
from council.testing import (
    END,
    FINISH,
    QUIRK_NAMES,
    STREAM_HEAD,
    Step,
    choice,
    chunked,
    delta,
    quirks,
    raw_server,
    usage,
)
from tests.support.collect import collect

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest("m", (ChatMessage("user", "hi"),))
CALL = {"id": "x", "function": {"name": "f", "arguments": '{"a"'}}
TOOL = choice(delta={"tool_calls": [CALL]}, finish_reason=None)
TOOL_REST = choice(delta={"tool_calls": [{"index": None, "function": {"arguments": ": 1}"}}]})

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
@pytest.mark.parametrize("name", QUIRK_NAMES)
async def test_understood_or_reported(name: str, cut: str) -> None:
    quirk = quirks()[name]
    if quirk.error is None:
        assert (await ask(quirk.body, cut)).text == quirk.said
        return
    with pytest.raises(StreamError, match=quirk.error) as caught:
        await ask(quirk.body, cut)
    assert caught.value.partial == quirk.said


def test_there_are_quirks_of_both_kinds() -> None:
    assert len([quirk for quirk in quirks().values() if quirk.error]) > 10
    assert len([quirk for quirk in quirks().values() if not quirk.error]) > 20


@pytest.mark.parametrize("cut", CUTS)
async def test_what_else_comes_through(cut: str) -> None:
    stop = choice(delta={}, finish_reason="stop")
    reply = await ask(
        choice(delta={"reasoning": "hm"}) + TOOL + TOOL_REST + stop + usage(3, 2), cut
    )
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
    async with raw_server([b"HTTP/1.1 200 OK\r\n\r\n" + delta("a") + FINISH]) as server:
        agent = OpenAIHTTPAgent("a", "m", server.url)
        await collect(agent, REQUEST)
        await agent.aclose()
    assert server.requests[0].headers["accept-encoding"] == "identity"
