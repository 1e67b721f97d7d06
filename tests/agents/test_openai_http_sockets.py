"""The HTTP agent over real sockets: cuts, stalls, resets, reuse of connections."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from council.agents.openai_http import OpenAIHTTPAgent
from council.errors import (
    AgentError,
    AgentTimeout,
    ConfigError,
    StreamError,
    TransportError,
)
from council.limits import Timeouts
from council.messages import ChatMessage, ChatRequest
from council.testing import (
    CLOSE_HEAD,
    DONE,
    END,
    FINISH,
    STREAM_HEAD,
    Step,
    chunked,
    delta,
    keep_alive,
    plain_reply,
    raw_server,
    reset,
    sse,
    until_closed,
    unused_port,
    whole_reply,
)

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest("m", (ChatMessage("user", "hi"),))
PATIENT = Timeouts(connect=10.0, first_token=30.0, idle=30.0, total=60.0)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def ask(agent: OpenAIHTTPAgent) -> str:
    async with aclosing(agent.chat(REQUEST)) as tokens:
        return "".join([token.text async for token in tokens])


@asynccontextmanager
async def opened(url: str, timeouts: Timeouts = PATIENT) -> AsyncGenerator[OpenAIHTTPAgent, None]:
    agent = OpenAIHTTPAgent("ada", "m", url, timeouts=timeouts)
    try:
        yield agent
    finally:
        await agent.aclose()


async def ask_once(*replies: list[Step], timeouts: Timeouts = PATIENT) -> str:
    async with raw_server(*replies) as server, opened(server.url, timeouts) as agent:
        return await ask(agent)


async def test_a_whole_reply() -> None:
    assert await ask_once(whole_reply("Hel", "lo 🙂")) == "Hello 🙂"


async def test_a_reply_cut_to_single_bytes() -> None:
    body = delta("a🙂") + b": c\r\n\r\n" + delta("é") + FINISH + DONE
    steps: list[Step] = [CLOSE_HEAD, *(body[i : i + 1] for i in range(len(body)))]
    assert await ask_once(steps) == "a🙂é"


@pytest.mark.parametrize("seed", range(5))
async def test_a_reply_cut_anywhere(seed: int) -> None:
    body = delta("a🙂") + delta("é") + FINISH + DONE
    places = sorted(random.Random(seed).sample(range(1, len(body)), 6))
    pieces = [body[i:j] for i, j in zip([0, *places], [*places, len(body)], strict=True)]
    assert await ask_once([STREAM_HEAD, *map(chunked, pieces), END, keep_alive]) == "a🙂é"


async def test_connections_are_used_again() -> None:
    async with raw_server(whole_reply("a"), whole_reply("b")) as server:
        async with opened(server.url) as agent:
            assert [await ask(agent), await ask(agent)] == ["a", "b"]
        assert server.connections == 1


async def test_a_server_that_stays_open_after_done_is_not_waited_for() -> None:
    reply: list[Step] = [STREAM_HEAD, chunked(delta("a") + DONE), until_closed]
    assert await ask_once(reply) == "a"


async def test_a_break_after_the_reply_was_whole_is_no_failure() -> None:
    assert await ask_once([STREAM_HEAD, chunked(delta("a") + FINISH), reset]) == "a"


@pytest.mark.parametrize(
    "steps",
    [
        [STREAM_HEAD, chunked(delta("a") + delta("b"))],  # no terminator: a transport error
        [STREAM_HEAD, chunked(delta("a") + delta("b")), END],  # a clean end without a finish
        [CLOSE_HEAD, delta("a") + delta("b")],
        [CLOSE_HEAD, delta("a") + delta("b") + FINISH[:20]],
        [CLOSE_HEAD, delta("a") + delta("b") + sse({"error": {"message": "boom"}}) + DONE],
        [CLOSE_HEAD, delta("a") + delta("b") + sse("{")],
    ],
)
async def test_a_cut_reply_is_an_error_with_the_partial_text(steps: list[Step]) -> None:
    with pytest.raises(StreamError) as caught:
        await ask_once(steps)
    assert caught.value.partial == "ab"
    assert caught.value.agent == "ada"


async def test_a_reset_mid_reply() -> None:
    sent = anyio.Event()

    async with (
        raw_server([STREAM_HEAD, chunked(delta("a")), sent.wait, reset]) as server,
        opened(server.url) as agent,
        aclosing(agent.chat(REQUEST)) as tokens,
    ):
        assert (await anext(tokens)).text == "a"
        sent.set()
        with pytest.raises(StreamError) as caught:
            await anext(tokens)
    assert caught.value.partial == "a"


@pytest.mark.parametrize(
    ("steps", "limit"),
    [
        ([until_closed], "first_token"),
        ([STREAM_HEAD, until_closed], "first_token"),
        ([STREAM_HEAD, chunked(b": keep-alive\n\n"), until_closed], "first_token"),
        ([STREAM_HEAD, chunked(delta("a")), until_closed], "idle"),
    ],
)
async def test_a_stall_is_a_timeout_that_says_which(steps: list[Step], limit: str) -> None:
    # Only the limit that is meant is short: a busy machine may take its time with the rest.
    timeouts = replace(PATIENT, **{limit: 0.2})
    with pytest.raises(AgentTimeout, match=limit) as caught:
        await ask_once(steps, timeouts=timeouts)
    assert caught.value.limit == limit


async def test_keep_alives_hold_off_idle_but_not_total() -> None:
    async def tick() -> None:
        await anyio.sleep(0.05)

    ticks: list[Step] = [step for _ in range(100) for step in (tick, chunked(b": ok\n\n"))]
    timeouts = Timeouts(first_token=20.0, idle=1.0, total=2.0)
    with pytest.raises(AgentTimeout) as caught:
        await ask_once([STREAM_HEAD, chunked(delta("a")), *ticks], timeouts=timeouts)
    assert caught.value.limit == "total"
    assert caught.value.partial == "a"


async def test_a_server_that_stays_open_after_its_finish_reason_is_not_waited_for_long() -> None:
    reply: list[Step] = [STREAM_HEAD, chunked(delta("a") + FINISH), until_closed]
    with anyio.fail_after(30):
        assert await ask_once(reply, timeouts=Timeouts()) == "a"


async def test_a_slow_reader_is_not_the_servers_fault() -> None:
    timeouts = Timeouts(first_token=20.0, idle=0.5, total=20.0)
    async with (
        raw_server(whole_reply("a", "b")) as server,
        opened(server.url, timeouts) as agent,
        aclosing(agent.chat(REQUEST)) as tokens,
    ):
        assert (await anext(tokens)).text == "a"
        await anyio.sleep(1.0)
        assert (await anext(tokens)).text == "b"


async def test_a_body_that_stalls_does_not_hide_its_status() -> None:
    head = b"HTTP/1.1 429 Too Many\r\nContent-Length: 500\r\n\r\nslow down"
    with pytest.raises(TransportError, match=r"429.*slow down"):
        await ask_once([head, until_closed], timeouts=Timeouts())


@pytest.mark.parametrize("key", ["line\nbreak-s3cret", "sch\u00fcssel-s3cret", "tab\there-s3cret"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(key: str) -> None:
    with pytest.raises(ConfigError, match="api_key") as caught:
        OpenAIHTTPAgent("a", "m", "http://h", api_key=key)
    assert "s3cret" not in str(caught.value)


async def test_nobody_listens() -> None:
    port = unused_port()
    async with opened(f"http://127.0.0.1:{port}") as agent:
        with pytest.raises(
            TransportError, match=f"could not connect.*{port}.*: connection refused"
        ):
            await ask(agent)


async def test_an_unknown_host() -> None:
    async with opened("http://no-such-host.invalid") as agent:
        with pytest.raises(TransportError, match="could not connect"):
            await ask(agent)


async def test_a_server_that_hangs_up_without_a_word() -> None:
    with pytest.raises(AgentError) as caught:
        await ask_once([])
    assert not isinstance(caught.value, AgentTimeout)


async def test_a_server_that_speaks_no_http() -> None:
    with pytest.raises(AgentError):
        await ask_once([b"SSH-2.0-OpenSSH\r\n"])


async def test_a_status_other_than_2xx() -> None:
    with pytest.raises(TransportError, match="no such model") as caught:
        await ask_once(plain_reply("404 Not Found", '{"error": {"message": "no such model"}}'))
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://other.test/v1/chat/completions", "to https://other.test/v1/chat/completions ("),
        ("https://u:hunter2@h/v1?key=hunter2", "to https://h/v1?key=… ("),
        ("/v2/chat/completions", "to {url}/v2/chat/completions ("),
        ("", "but does not say where to"),
        ("http://[hunter2", "to what is no URL"),
    ],
)
@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "308 Permanent Redirect"])
async def test_a_redirect_is_not_followed_but_named(status: str, location: str, said: str) -> None:
    field = f"Location: {location}\r\n" if location else ""
    head = f"HTTP/1.1 {status}\r\n{field}Content-Length: 0\r\n\r\n"
    async with raw_server([head.encode()]) as server, opened(server.url) as agent:
        with pytest.raises(TransportError, match="the endpoint redirects") as caught:
            await ask(agent)
        assert len(server.requests) == 1
    assert said.format(url=server.url) in str(caught.value)
    assert "`endpoint`" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("status", ["300 Multiple Choices", "304 Not Modified"])
async def test_other_statuses_of_that_family(status: str) -> None:
    head = f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n"
    with pytest.raises(TransportError, match=f"HTTP {status[:3]} .*redirects, but does not say"):
        await ask_once([head.encode()])


async def test_how_long_a_busy_server_asks_for() -> None:
    head = b"HTTP/1.1 429 Too Many\r\nRetry-After: 9000\r\nContent-Length: 4\r\n\r\nbusy"
    with pytest.raises(TransportError, match=r"busy \(the server asks for 2\.5 h\)") as caught:
        await ask_once([head])
    assert caught.value.retry_after == 9000


@pytest.mark.parametrize("when", ["before the head", "mid-reply"])
async def test_cancelling_closes_the_socket(when: str) -> None:
    asked = anyio.Event()

    async def say_so() -> None:
        asked.set()

    steps: list[Step] = [] if when == "before the head" else [STREAM_HEAD, chunked(delta("a"))]
    async with (
        raw_server([*steps, say_so, until_closed]) as server,
        opened(server.url, Timeouts()) as agent,
    ):
        async with anyio.create_task_group() as group:
            group.start_soon(ask, agent)
            await asked.wait()
            group.cancel_scope.cancel()
        with anyio.fail_after(30):
            await server.closed[0].wait()


async def test_closing_the_generator_early_closes_the_socket() -> None:
    reply: list[Step] = [STREAM_HEAD, chunked(delta("a")), until_closed]
    async with raw_server(reply) as server, opened(server.url) as agent:
        async with aclosing(agent.chat(REQUEST)) as tokens:
            await anext(tokens)
        with anyio.fail_after(30):
            await server.closed[0].wait()
