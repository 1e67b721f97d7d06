"""The client against a real gateway, over real sockets, through a line that breaks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.abc
import anyio.from_thread
import pytest
from pydantic import BaseModel

import council
from council.agents.scripted import ScriptedAgent
from council.errors import BackendError, ConfigError, QuorumLost, StoreError, TransportError
from council.remote.remote import Remote
from council.retry import RetryPolicy
from council.tasks import task_group
from council.testing.steps import GONE
from serving.keys import parse_keys
from serving.options import Options
from tests.gateway.serving import Site, gateway

pytestmark = pytest.mark.anyio

WORDS = " ".join(f"word{number}" for number in range(60))


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def seats(*texts: str, delay: float = 0.0) -> list[ScriptedAgent]:
    return [ScriptedAgent(f"e{n}", text, delay=delay) for n, text in enumerate(texts)]


def json_seats() -> list[ScriptedAgent]:
    return seats('{"name": "Tokyo"}', '{"name": "Tokyo"}')


@pytest.fixture
def site(tmp_path: Path) -> Generator[Site, None, None]:
    """A gateway in a thread of its own, since it speaks asyncio alone."""
    broken = [ScriptedAgent("x", BackendError("no memory")), ScriptedAgent("y", "Tokyo.")]
    panels = {
        "capital": seats("It is Tokyo.", "Tokyo.", "Kyoto."),
        "slow": seats(WORDS, WORDS, delay=0.01),
        "endless": seats(WORDS * 100, WORDS * 100, delay=0.05),
        "broken": broken,
        "json": json_seats(),
    }
    with (
        anyio.from_thread.start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(
            gateway(dict(panels), store=tmp_path / "runs.sqlite3")
        ) as site,
    ):
        yield site


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[Remote, None]:
    async with council.connect(url, retry=RetryPolicy(6, base=0.01), trust_env=False) as remote:
        yield remote


async def test_a_panel_there_answers_as_one_here(site: Site) -> None:
    here = await council.ask("Capital?", panel=seats("It is Tokyo.", "Tokyo.", "Kyoto."))
    async with connected(site.url) as remote:
        async with remote.stream("Capital?", panel="capital") as run:
            kinds = [event.type async for event in run]
        there = run.result
        asked = await remote.ask("Capital?", panel="capital", strategy="concat", seed=3)
    assert kinds[0] == "run.started"
    assert kinds[-1] == "run.finished"
    assert (there.answer, there.votes, there.agreement) == (here.answer, here.votes, here.agreement)
    assert there.dissent == here.dissent
    assert asked.strategy == "concat"


async def test_what_is_served_and_kept(site: Site) -> None:
    async with connected(site.url) as remote:
        panels = {panel.name: panel for panel in await remote.panels()}
        result = await remote.ask("Capital?", panel="capital")
        record = await remote.run(result.run_id)
        entries = await remote.runs(limit=5)
        with pytest.raises(StoreError):
            await remote.run("0" * 32)
    assert set(panels) == {"capital", "slow", "endless", "broken", "json"}
    assert [seat.id for seat in panels["capital"].experts] == ["e0", "e1", "e2"]
    assert record.result == result
    assert (record.panel, record.status) == ("capital", result.status)
    assert entries[0].id == result.run_id
    assert entries[0].question == "Capital?"


async def test_errors_are_those_of_a_panel_here(site: Site) -> None:
    async with connected(site.url) as remote:
        with pytest.raises(QuorumLost, match="no memory") as lost:
            await remote.ask("?", panel="broken")
        with pytest.raises(ConfigError, match="panel is missing: there are capital,"):
            await remote.ask("?")
        with pytest.raises(ConfigError, match="nothing"):
            await remote.ask("?", panel="nothing")
        with pytest.raises(ConfigError, match="guess"):
            await remote.ask("?", panel="capital", strategy="guess")
        with pytest.raises(ConfigError, match="price"):
            await remote.ask("?", panel="capital", max_cost=1)
        with pytest.raises(StoreError):
            await remote.ask("?", panel="capital", continuing="0" * 32)
    assert (lost.value.required, lost.value.actual) == (2, 1)


class City(BaseModel):
    """An answer's form."""

    name: str


async def test_forms_and_conversations_go_through(site: Site) -> None:
    async with connected(site.url) as remote:
        first = await remote.ask("Capital?", panel="json", response_format=City)
        after = await remote.ask("And of Italy?", panel="json", continuing=first.run_id)
        record = await remote.run(after.run_id)
    assert first.parsed == City(name="Tokyo")
    assert after.answer is not None
    assert record.question == "And of Italy?"


async def test_leaving_early_ends_the_run_there(site: Site) -> None:
    async with connected(site.url) as remote:
        async with remote.stream("?", panel="endless") as run:
            async for event in run:
                if event.type == "expert.token":
                    break
        record = await remote.run(run.id)
    assert record.status == "interrupted"


async def test_a_run_is_left_alone_and_come_back_to(site: Site) -> None:
    async with connected(site.url) as remote:
        async with remote.stream("?", panel="slow", detach=True) as run:
            before = [await anext(aiter(run)) for _ in range(3)]
        async with remote.attach(run.id, after=run.number) as again:
            rest = [event async for event in again]
        async with remote.attach(run.id) as whole:
            every = [event async for event in whole]
    assert [*before, *rest] == every
    assert again.result.answer is not None


async def test_a_run_that_somebody_ends_says_so(site: Site) -> None:
    async with connected(site.url) as remote, remote.stream("?", panel="endless") as run:
        await anext(aiter(run))
        await remote.cancel(run.id)
        async for _ in run:
            pass
        with pytest.raises(council.RunInterrupted):
            raise run.error or AssertionError("no error")
    assert run.result.status == "failed"


@asynccontextmanager
async def breaking_line(port: int, pieces: int) -> AsyncGenerator[list[str], None]:
    """A proxy in front of a gateway that hangs up after so many pieces of each event stream.

    Gives its URL, and then a line for each event stream that was asked for.
    """
    told: list[str] = []

    async def serve(client: anyio.abc.SocketStream) -> None:
        async with client, await anyio.connect_tcp("127.0.0.1", port) as server:
            breaks = anyio.Event()
            async with task_group() as group:
                group.start_soon(_ask, client, server, breaks, told)
                await _answer(server, client, breaks, pieces)
                group.cancel_scope.cancel()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, task_group() as group:
        told.append(f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}")
        group.start_soon(listener.serve, serve)
        yield told
        group.cancel_scope.cancel()


async def _ask(
    client: anyio.abc.SocketStream,
    server: anyio.abc.SocketStream,
    breaks: anyio.Event,
    told: list[str],
) -> None:
    try:
        while data := await client.receive():
            if b"/events HTTP" in data:
                told.append(data.decode().partition("\r\n")[0])
                breaks.set()
            await server.send(data)
    except GONE:
        pass


async def _answer(
    server: anyio.abc.SocketStream,
    client: anyio.abc.SocketStream,
    breaks: anyio.Event,
    pieces: int,
) -> None:
    try:
        sent = 0
        while data := await server.receive():
            sent += breaks.is_set()
            if sent > pieces:
                await client.send(data[: len(data) // 2])
                return
            await client.send(data)
    except GONE:
        pass


async def test_a_line_that_keeps_breaking_loses_nothing(site: Site) -> None:
    async with breaking_line(site.port, pieces=12) as told, connected(told[0]) as remote:
        async with remote.stream("?", panel="slow") as run:
            events = [event async for event in run]
        async with connected(site.url) as direct, direct.attach(run.id) as again:
            assert events == [event async for event in again]
            (entry,) = await direct.runs()
    assert entry.id == run.id  # asked once
    assert len(told) > 3  # and the line did break


async def test_a_gateway_that_asks_for_keys(tmp_path: Path) -> None:
    options = Options(keys=parse_keys(["me:sk-secret-one", "you:sk-secret-two"], "--api-key"))
    panels = {"capital": seats("Tokyo.", "Tokyo.")}
    with (
        anyio.from_thread.start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(
            gateway(dict(panels), store=tmp_path / "runs.sqlite3", serving=options)
        ) as site,
    ):
        async with connected(site.url) as nobody:
            with pytest.raises(TransportError, match="check `api_key`") as raised:
                await nobody.ask("?")
        async with council.connect(site.url, "sk-secret-one", trust_env=False) as mine:
            run = (await mine.ask("?")).run_id
            assert [entry.id for entry in await mine.runs()] == [run]
        async with council.connect(site.url, "sk-secret-two", trust_env=False) as theirs:
            assert await theirs.runs() == ()
            with pytest.raises(StoreError):
                await theirs.run(run)
    assert raised.value.status == 401
