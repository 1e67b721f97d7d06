"""A run's events from a gateway: each once and in order, whatever becomes of connections."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest

import council
from council.agents.scripted import ScriptedAgent
from council.errors import AgentError, StoreError, StreamError, TransportError
from council.events import Event, RunFinished, from_json, to_json
from council.remote.remote import Remote
from council.retry import RetryPolicy
from council.testing import (
    STREAM_HEAD,
    Step,
    chunked,
    half_close,
    keep_alive,
    plain_reply,
    reset,
    until_closed,
)
from council.testing.raw_server import serving
from tests.support.spoken_gateway import (
    RUN,
    Spoken,
    Steps,
    cut,
    ended,
    lines_of,
    message,
    refused,
    whole,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def lines() -> list[str]:
    return await lines_of(ScriptedAgent("ada", "It is Tokyo."), ScriptedAgent("bob", "Tokyo."))


@asynccontextmanager
async def connected(
    gateway: Spoken, *, retries: int = 6, timeout: float = 30.0
) -> AsyncGenerator[Remote, None]:
    retry = RetryPolicy(retries, base=0.01)
    async with (
        serving(gateway) as server,
        council.connect(server.url, retry=retry, timeout=timeout) as remote,
    ):
        yield remote


async def events_of(remote: Remote) -> list[Event]:
    async with remote.stream("Capital of Japan?") as run:
        events = [event async for event in run]
    assert run.result == finished(events[-1]).result
    return events


def finished(event: Event) -> RunFinished:
    assert isinstance(event, RunFinished)
    return event


async def test_events_and_result_are_those_of_the_run(lines: list[str]) -> None:
    gateway = Spoken(lines, [whole])
    async with connected(gateway) as remote:
        events = await events_of(remote)
        result = await remote.ask("Capital of Japan?")
    assert [to_json(event) for event in events] == lines
    assert result.answer is not None
    assert "Tokyo" in result.answer
    assert gateway.count("POST /v1/council/runs") == 2


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(cut(3), id="closed-in-an-event"),
        pytest.param(cut(3, reset), id="reset-in-an-event"),
        pytest.param(cut(0), id="closed-at-once"),
        pytest.param(ended(3), id="ended-between-events"),
        pytest.param(ended(0), id="ended-before-any"),
        pytest.param(lambda gateway, after: [half_close], id="no-response"),
        pytest.param(
            lambda gateway, after: refused("502 Bad Gateway", "no upstream"), id="bad-gateway"
        ),
        pytest.param(
            lambda gateway, after: refused("429 Too Many", "slow down", retry_after_ms="1"),
            id="rate",
        ),
    ],
)
async def test_a_lost_connection_is_opened_again_behind_the_last_event(
    lost: Callable[[Spoken, int], Steps], lines: list[str]
) -> None:
    gateway = Spoken(lines, [lost, lost, whole])
    async with connected(gateway) as remote:
        events = await events_of(remote)
    assert [to_json(event) for event in events] == lines
    assert gateway.count("POST") == 1
    assert len(gateway.headers) == 3


async def test_the_last_event_known_is_named(lines: list[str]) -> None:
    gateway = Spoken(lines, [cut(2), cut(1), whole])
    async with connected(gateway) as remote:
        await events_of(remote)
    known = [headers.get("last-event-id") for headers in gateway.headers]
    assert known == [None, "2", "3"]


async def test_events_that_come_again_are_given_once(lines: list[str]) -> None:
    def from_the_beginning(gateway: Spoken, after: int) -> Steps:
        return whole(gateway, 0)

    gateway = Spoken(lines, [cut(4), from_the_beginning])
    async with connected(gateway) as remote:
        events = await events_of(remote)
    assert [to_json(event) for event in events] == lines


async def test_a_read_that_is_cancelled_loses_nothing(lines: list[str]) -> None:
    def stalls(gateway: Spoken, after: int) -> Steps:
        half = gateway.messages(after + 1, after + 2)[:30]
        return [STREAM_HEAD, chunked(gateway.messages(after, after + 1) + half), until_closed]

    gateway = Spoken(lines, [stalls, whole])
    async with connected(gateway) as remote, remote.stream("?") as run:
        events = [await anext(aiter(run))]
        with anyio.move_on_after(0.2) as scope:
            events.append(await anext(aiter(run)))
        assert scope.cancelled_caught
        events += [event async for event in run]
    assert [to_json(event) for event in events] == lines


async def test_silence_is_a_lost_connection(lines: list[str]) -> None:
    def silent(gateway: Spoken, after: int) -> Steps:
        return [STREAM_HEAD, until_closed]

    gateway = Spoken(lines, [silent, whole])
    async with connected(gateway, timeout=2.0) as remote:
        events = await events_of(remote)
    assert [to_json(event) for event in events] == lines


async def test_what_is_lost_for_good_is_said_with_the_way_back(lines: list[str]) -> None:
    gateway = Spoken(lines, [cut(2), lambda gateway, after: [reset]])
    async with connected(gateway, retries=1) as remote:
        with pytest.raises(AgentError, match=rf"run {RUN} may go on there: .* after=2"):
            await remote.ask("?")
    # It cannot be reached: nobody waits for another answer that will not come.
    assert gateway.count(f"POST /v1/council/runs/{RUN}/cancel") == 0


async def test_tries_are_counted_from_the_last_event(lines: list[str]) -> None:
    gateway = Spoken(lines, [*[cut(1)] * (len(lines) - 1), whole])
    async with connected(gateway, retries=1) as remote:
        events = await events_of(remote)
    assert [to_json(event) for event in events] == lines


def with_unknown(gateway: Spoken, after: int) -> Steps:
    """Events of a newer gateway among those that are known."""
    newer = [
        json.dumps({"type": "expert.dreamt", "at": 0.1, "of": "sheep"}),
        json.dumps({**json.loads(gateway.lines[1]), "type": "expert.notice", "kind": "dream"}),
    ]
    every = [gateway.lines[0], *newer, *gateway.lines[1:]]
    sent = b"".join(message(number, line) for number, line in enumerate(every, 1))
    return [STREAM_HEAD, chunked(sent), b"0\r\n\r\n", keep_alive]


async def test_events_of_a_newer_gateway_are_passed_over(lines: list[str]) -> None:
    async with connected(Spoken(lines, [with_unknown])) as remote:
        events = await events_of(remote)
    assert [to_json(event) for event in events] == lines


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('{"type": "run.finished", "at": 1.0, "result": {}}', id="unreadable-result"),
        pytest.param('{"at": 1.0}', id="no-type"),
        pytest.param("[1]", id="no-object"),
    ],
)
async def test_what_cannot_be_read_is_an_error(line: str, lines: list[str]) -> None:
    def odd(gateway: Spoken, after: int) -> Steps:
        sent = f"id: 1\ndata: {line}\n\n".encode()
        return [STREAM_HEAD, chunked(sent), b"0\r\n\r\n", keep_alive]

    async with connected(Spoken(lines, [odd])) as remote:
        with pytest.raises(StreamError, match=r"event 1 of run .* another version of council"):
            await remote.ask("?")


def record(events: int, line: str) -> list[Step]:
    told = {"id": RUN, "events": events, "result": json.loads(line)["result"]}
    return plain_reply("200 OK", json.dumps(told))


async def test_a_gateway_that_forgot_events_in_a_crash_still_has_the_result(
    lines: list[str],
) -> None:
    def forgetful(gateway: Spoken, after: int) -> Steps:
        gateway.others[f"GET /v1/council/runs/{RUN}"] = record(4, lines[-1])
        return refused("400 Bad Request", "Last-Event-ID is 5, but the run has 4 events by now.")

    async with connected(Spoken(lines, [cut(5), forgetful])) as remote:
        events = await events_of(remote)
    assert [to_json(event) for event in events[:-1]] == lines[:5]
    assert finished(events[-1]).result == finished(from_json(lines[-1])).result


async def test_whoever_comes_behind_the_last_event_gets_the_result(lines: list[str]) -> None:
    gateway = Spoken(lines, [whole])
    count = len(lines)
    gateway.others[f"GET /v1/council/runs/{RUN}/events"] = whole(gateway, count)
    gateway.others[f"GET /v1/council/runs/{RUN}"] = record(count, lines[-1])
    async with connected(gateway) as remote, remote.attach(RUN, after=count) as run:
        assert [event.type async for event in run] == ["run.finished"]


async def test_a_run_that_nobody_knows(lines: list[str]) -> None:
    gone = refused("404 Not Found", f"There is no run '{RUN}'.", "run_not_found")
    gateway = Spoken(lines, [lambda gateway, after: gone])
    async with connected(gateway) as remote, remote.attach(RUN) as run:
        with pytest.raises(StoreError, match="There is no run"):
            await anext(aiter(run))


async def test_a_page_is_no_event_stream(lines: list[str]) -> None:
    page = plain_reply("200 OK", "<p>Welcome</p>", "text/html")
    gateway = Spoken(lines, [lambda gateway, after: page])
    async with connected(gateway) as remote:
        with pytest.raises(TransportError, match="'text/html' and not with events"):
            await remote.ask("?")
    assert len(gateway.headers) == 1  # trying again would change nothing
