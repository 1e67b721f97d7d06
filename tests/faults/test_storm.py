"""The storm: thousands of runs against a server that misbehaves in every way known.

Whatever happens, every run ends, in time, as a result, an error of ours or a cancellation; nothing
that was cut counts as complete; and nothing is left behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from random import Random

import anyio
import anyio.lowlevel
import httpx
import httpx_aiohttp
import pytest

from council.agents.openai_http import OpenAIHTTPAgent
from council.agents.transport import new_client
from council.limits import Timeouts
from council.messages import ChatMessage, ChatRequest
from council.testing import (
    STREAM_HEAD,
    RawServer,
    Step,
    chunked,
    delta,
    raw_server,
    until_closed,
    whole_reply,
)
from council.testing.leaks import nothing_left
from tests.support.storm import Storm, open_gate, shared_panel
from tests.support.storm_server import storm_server

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest("m", (ChatMessage("user", "7?"),))
PATIENT = Timeouts(connect=30.0, first_token=60.0, idle=60.0, total=90.0)
# Closing a response may take its second; the rest is for a machine that does other things.
GRACE = 3.0
ENDINGS = {
    *("complete", "degraded", "failed", "left", "cancelled", "cancelled twice"),
    *("raised quorum", "raised limit", "raised strategy"),
}


# As in pyproject.toml, here for requests that are cancelled while they are being sent.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <async_generator object ByteStream"
    ":pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("anyio_backend", "runs", "at_once"), [("asyncio", 2000, 16), ("trio", 200, 8)]
)
@pytest.mark.parametrize("seed", [20])
async def test_the_storm(anyio_backend: str, runs: int, at_once: int, seed: int) -> None:
    async with nothing_left(), storm_server(seed) as server:
        storm = Storm(server, Random(seed))
        await weather(storm, runs, at_once)
        with anyio.fail_after(10):
            await server.sockets.wait_closed()

    assert not storm.wrong, storm.wrong[:10]
    assert storm.ended.total() == runs
    assert set(storm.ended) <= ENDINGS
    assert storm.latest < GRACE, f"a run ended {storm.latest:.1f} s too late"
    # A storm in which nothing comes through, or nothing fails, shows nothing.
    assert storm.whole > runs / 2
    assert storm.errors.total() > runs / 4
    for ending in ENDINGS - {"raised limit", "raised strategy"}:
        assert storm.ended[ending] > runs // 500, f"too few ended as {ending!r}: {storm.ended}"
    assert len(server.drawn) > 30


async def weather(storm: Storm, runs: int, at_once: int) -> None:
    """The storm, and the calm after it: the same panels answer as if nothing had been."""
    gates = [open_gate() for _ in range(24)]
    async with new_client() as client:
        panels = [shared_panel(storm.server.url, client, gate) for gate in gates]
        await storm.rage(panels, runs, at_once)
        assert [gate.busy for gate in gates] == [0] * len(gates)
        storm.server.calm = True
        with anyio.fail_after(20):
            results = [await panel.ask("7?", deadline=10.0) for panel in panels]
        assert {result.status for result in results} == {"complete"}


@pytest.mark.parametrize("connections", [0, 5], ids=["default client", "five connections"])
async def test_pool_survives_cancellation(connections: int) -> None:
    """A client that loses a slot when a stream is cancelled twice has none left after five."""
    stalled: list[Step] = [STREAM_HEAD, chunked(delta("a")), until_closed]
    replies = [stalled] * 5 + [whole_reply("b")]
    async with nothing_left(), raw_server(*replies) as server, client_of(connections) as client:
        agent = OpenAIHTTPAgent("ada", "m", server.url, timeouts=PATIENT, client=client)
        begun = [anyio.Event() for _ in range(5)]
        tasks = [asyncio.create_task(ask(agent, event)) for event in begun]
        for event in begun:
            await event.wait()
        for turns, task in enumerate(tasks):
            task.cancel()
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            task.cancel()
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks)
        with anyio.fail_after(5):
            assert await asyncio.gather(*(ask(agent) for _ in range(5))) == ["b"] * 5
            for closed in server.closed[:5]:
                await closed.wait()


async def test_a_thousand_streams_at_once() -> None:
    streams = 1000
    async with nothing_left(), thousand_server(streams) as server, new_client() as client:
        agent = OpenAIHTTPAgent("ada", "m", server.url, timeouts=PATIENT, client=client)
        with anyio.fail_after(90):
            texts = await asyncio.gather(*(ask(agent) for _ in range(streams)))
        assert texts == ["a b c"] * streams
        assert server.connections == streams


async def ask(agent: OpenAIHTTPAgent, begun: anyio.Event | None = None) -> str:
    text = ""
    async with aclosing(agent.chat(REQUEST)) as tokens:
        async for token in tokens:
            text += token.text
            if begun:
                begun.set()
    return text


def client_of(connections: int) -> httpx.AsyncClient:
    """The default client, or the same with so many connections at most."""
    if not connections:
        return new_client()
    return httpx_aiohttp.HttpxAiohttpClient(
        limits=httpx.Limits(max_connections=connections), timeout=None
    )


@asynccontextmanager
async def thousand_server(streams: int) -> AsyncGenerator[RawServer, None]:
    """Goes on with its replies when so many have begun."""
    waiting = 0
    all_here = anyio.Event()

    async def arrive() -> None:
        nonlocal waiting
        waiting += 1
        if waiting == streams:
            all_here.set()
        await all_here.wait()

    head, first, *rest = whole_reply("a", " b", " c")
    async with raw_server([head, first, arrive, *rest]) as server:
        yield server
