"""The agent for Anthropic's Messages API over real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

import council
from council.agents.anthropic import AnthropicAgent
from council.errors import AgentTimeout, ConfigError, StreamError, TransportError
from council.limits import Timeouts
from council.messages import ChatMessage, ChatRequest, ToolCallDelta
from council.testing import (
    END,
    STREAM_HEAD,
    Step,
    chunked,
    keep_alive,
    plain_reply,
    raw_server,
    reset,
    until_closed,
    unused_port,
)
from tests.support.anthropic_events import (
    OVERLOADED,
    PING,
    STOP,
    TEXT_REPLY,
    TOOL_REPLY,
    message_delta,
    message_start,
    text_block,
)
from tests.support.collect import collect, text

pytestmark = pytest.mark.anyio

KEY = "key-0123456789"
REQUEST = ChatRequest("", (ChatMessage("user", "What is 17 + 25?"),), request_id="r-1")
PATIENT = Timeouts(connect=10.0, first_token=30.0, idle=30.0, total=60.0)
BEGINNING = message_start() + PING + text_block(0, "17 + ", "25")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def opened(
    url: str, *, timeouts: Timeouts = PATIENT, headers: dict[str, str] | None = None
) -> AsyncGenerator[AnthropicAgent, None]:
    agent = AnthropicAgent("ada", "claude", url, api_key=KEY, timeouts=timeouts, headers=headers)
    try:
        yield agent
    finally:
        await agent.aclose()


def streamed(*pieces: bytes) -> list[Step]:
    return [STREAM_HEAD, *map(chunked, pieces), END, keep_alive]


async def ask_once(*steps: Step, timeouts: Timeouts = PATIENT) -> str:
    async with raw_server(list(steps)) as server, opened(server.url, timeouts=timeouts) as agent:
        return text(await collect(agent, REQUEST))


async def test_a_whole_reply() -> None:
    assert await ask_once(*streamed(TEXT_REPLY)) == "17 + 25 = 42 🙂."


async def test_a_reply_cut_to_single_bytes() -> None:
    pieces = [TEXT_REPLY[i : i + 1] for i in range(len(TEXT_REPLY))]
    assert await ask_once(*streamed(*pieces)) == "17 + 25 = 42 🙂."


async def test_what_is_asked_and_how() -> None:
    async with (
        raw_server(streamed(TEXT_REPLY)) as server,
        opened(server.url, headers={"who": "me"}) as agent,
    ):
        await collect(agent, REQUEST)
        (request,) = server.requests
    assert request.line == "POST /v1/messages HTTP/1.1"
    assert request.json["model"] == "claude"
    assert request.json["messages"][0]["content"][0]["text"] == "What is 17 + 25?"
    headers = request.headers
    assert headers["x-api-key"] == KEY
    assert headers["anthropic-version"] == "2023-06-01"
    assert headers["accept"] == "text/event-stream"
    assert headers["accept-encoding"] == "identity"
    assert (headers["x-request-id"], headers["who"]) == ("r-1", "me")
    assert "authorization" not in headers


async def test_a_panels_headers_choose_another_version_of_the_api() -> None:
    version = {"Anthropic-Version": "2030-01-01"}
    async with (
        raw_server(streamed(TEXT_REPLY)) as server,
        opened(server.url, headers=version) as agent,
    ):
        await collect(agent, REQUEST)
        assert server.requests[0].headers["anthropic-version"] == "2030-01-01"


async def test_thinking_and_tool_calls() -> None:
    async with raw_server(streamed(TOOL_REPLY)) as server, opened(server.url) as agent:
        tokens = await collect(agent, REQUEST)
    assert "".join(token.reasoning for token in tokens) == "17 and 25 …"
    assert text(tokens) == ""
    pieces: list[ToolCallDelta] = [piece for token in tokens for piece in token.tool_calls]
    assert [(piece.index, piece.id, piece.name) for piece in pieces if piece.name] == [
        (0, "toolu_1", "add"),
        (1, "toolu_2", "now"),
    ]
    arguments = "".join(piece.arguments for piece in pieces if piece.index == 0)
    assert json.loads(arguments) == {"a": 17, "b": 25}
    assert tokens[-1].finish_reason == "tool_calls"


async def test_connections_are_used_again() -> None:
    async with raw_server(streamed(TEXT_REPLY)) as server, opened(server.url) as agent:
        for _ in range(2):
            await collect(agent, REQUEST)
        assert server.connections == 1


@pytest.mark.parametrize(
    "steps",
    [
        [STREAM_HEAD, chunked(BEGINNING)],  # no terminator: a transport error
        [STREAM_HEAD, chunked(BEGINNING), END],
        [STREAM_HEAD, chunked(BEGINNING + STOP[:-5]), END],
    ],
)
async def test_a_cut_reply_is_an_error_with_the_partial_text(steps: list[Step]) -> None:
    with pytest.raises(StreamError) as caught:
        await ask_once(*steps)
    assert (caught.value.partial, caught.value.agent) == ("17 + 25", "ada")


async def test_an_error_event_ends_the_reply() -> None:
    with pytest.raises(StreamError, match=r"Overloaded \(overloaded_error\)") as caught:
        await ask_once(*streamed(BEGINNING + OVERLOADED))
    assert caught.value.partial == "17 + 25"


async def test_a_break_after_the_stop_reason_is_no_failure() -> None:
    steps: list[Step] = [STREAM_HEAD, chunked(BEGINNING + message_delta("end_turn")), reset]
    assert await ask_once(*steps) == "17 + 25"


async def test_a_server_that_stays_open_after_message_stop_is_not_waited_for() -> None:
    assert await ask_once(STREAM_HEAD, chunked(TEXT_REPLY), until_closed) == "17 + 25 = 42 🙂."


@pytest.mark.parametrize(
    ("sent", "limit"), [(message_start() + PING, "first_token"), (BEGINNING, "idle")]
)
async def test_a_stall_is_a_timeout_that_says_which(sent: bytes, limit: str) -> None:
    # Only the limit that is meant is short: a busy machine may take its time with the rest.
    timeouts = replace(PATIENT, **{limit: 0.2})
    with pytest.raises(AgentTimeout) as caught:
        await ask_once(STREAM_HEAD, chunked(sent), until_closed, timeouts=timeouts)
    assert caught.value.limit == limit


async def test_nobody_listens() -> None:
    async with opened(f"http://127.0.0.1:{unused_port()}") as agent:
        with pytest.raises(TransportError, match="could not connect"):
            await collect(agent, REQUEST)


@pytest.mark.parametrize(
    ("status", "kind", "message", "advice"),
    [
        (401, "authentication_error", "invalid x-api-key", "check `api_key`"),
        (404, "not_found_error", "model: claude", "check `endpoint` and `model`"),
        (529, "overloaded_error", "Overloaded", ""),
    ],
)
async def test_refusals_come_with_their_message(
    status: int, kind: str, message: str, advice: str
) -> None:
    body = json.dumps({"type": "error", "error": {"type": kind, "message": message}})
    with pytest.raises(TransportError) as caught:
        await ask_once(*plain_reply(f"{status} No", body))
    assert caught.value.status == status
    assert f": {message}" in str(caught.value)
    assert advice in str(caught.value)


async def test_the_key_is_never_shown() -> None:
    refusal = json.dumps({"type": "error", "error": {"message": f"no such key: {KEY}"}})
    error_event = OVERLOADED.replace(b"Overloaded", KEY.encode())
    for steps in (plain_reply("401 Unauthorized", refusal), streamed(error_event)):
        async with raw_server(steps) as server, opened(server.url) as agent:
            with pytest.raises(council.AgentError) as caught:
                await collect(agent, REQUEST)
            error = caught.value
            assert KEY not in f"{agent!r}{error}{error!r}{getattr(error, 'excerpt', '')}"
            assert "[redacted]" in str(error)


async def test_a_panel_file_names_the_kind() -> None:
    overloaded = plain_reply("529 Overloaded", '{"type": "error", "error": {"message": "busy"}}')
    async with raw_server(overloaded, streamed(TEXT_REPLY)) as server:
        expert = {"model": "claude", "endpoint": server.url, "kind": "anthropic", "api_key": KEY}
        result = await council.ask("What is 17 + 25?", panel={"experts": [expert]})
        assert [request.line.split()[1] for request in server.requests] == ["/v1/messages"] * 2
    assert result.answer == "17 + 25 = 42 🙂."
    (reply,) = result.experts
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (25, 15)


async def test_the_kind_needs_an_endpoint() -> None:
    panel = {"experts": [{"model": "builtin:sage", "kind": "anthropic"}]}
    with pytest.raises(ConfigError, match="needs an `endpoint`"):
        await council.ask("?", panel=panel)
