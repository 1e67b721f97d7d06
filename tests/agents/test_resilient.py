"""Panel files: pools, retries, rates, headers and more of the body, over real sockets."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

import council
from council.events import Event, ExpertNotice
from council.testing import (
    STREAM_HEAD,
    RawServer,
    Step,
    chunked,
    delta,
    plain_reply,
    raw_server,
    until_closed,
    unused_port,
    whole_reply,
)

pytestmark = pytest.mark.anyio

BUSY = plain_reply("429 Too Many Requests", '{"error": {"message": "slow down"}}')
GOOD = whole_reply("yes")


def entry(*servers: RawServer | str, **more: Any) -> dict[str, Any]:
    urls = [server if isinstance(server, str) else server.url for server in servers]
    return {"model": "m", "endpoint": urls if len(urls) > 1 else urls[0], **more}


async def ask(*experts: dict[str, Any]) -> tuple[council.Result, list[Event]]:
    config = {"experts": list(experts)}
    async with council.open_council(config) as opened, opened.stream("?") as stream:
        events = [event async for event in stream]
    return stream.result, events


async def test_a_busy_server_is_asked_again() -> None:
    async with raw_server(BUSY, GOOD) as server:
        result, events = await ask(entry(server))
    assert (result.answer, result.status) == ("yes", "complete")
    assert len(server.requests) == 2
    (notice,) = (event for event in events if isinstance(event, ExpertNotice))
    assert notice.kind == "retry"
    assert "slow down; try 2 of 3" in notice.message


async def test_retries_can_be_off() -> None:
    async with raw_server(BUSY, GOOD) as server:
        result, _ = await ask(entry(server, retries=0))
    assert result.status == "failed"
    assert len(server.requests) == 1


async def test_retry_after_longer_than_the_deadline_is_not_waited_for() -> None:
    head = b"HTTP/1.1 503 Busy\r\nRetry-After: 50\r\nContent-Length: 0\r\n\r\n"
    async with raw_server([head]) as server:
        config = {"experts": [entry(server)], "limits": {"deadline": 20}}
        with anyio.fail_after(5), pytest.raises(council.QuorumLost, match="503"):
            await council.ask("?", panel=config)


async def test_a_pool_goes_on_with_the_next_endpoint() -> None:
    dead = f"http://127.0.0.1:{unused_port()}"
    async with raw_server(GOOD) as server:
        result, events = await ask(entry(dead, server))
    assert (result.answer, result.status) == ("yes", "complete")
    notices = [event.message for event in events if isinstance(event, ExpertNotice)]
    assert any("could not connect" in message for message in notices)


async def test_a_pools_notice_shows_no_values_of_the_query() -> None:
    dead = f"http://127.0.0.1:{unused_port()}?key={SECRET}"
    async with raw_server(GOOD) as server:
        result, events = await ask(entry(dead, f"{server.url}?key={SECRET}"))
        assert SECRET in server.requests[0].line
    (notice,) = (event for event in events if isinstance(event, ExpertNotice))
    assert "/v1/chat/completions?key=…" in notice.message
    assert all(SECRET not in text for text in (*map(repr, events), repr(result)))


async def test_a_pool_spreads_over_its_endpoints() -> None:
    gate = anyio.Event()
    slow: list[Step] = [STREAM_HEAD, chunked(delta("y")), gate, *whole_reply("es")[1:]]
    async with raw_server(slow) as first, raw_server(slow) as second:

        async def open_gate() -> None:
            while not (first.requests and second.requests):
                await anyio.lowlevel.checkpoint()
            gate.set()

        with anyio.fail_after(10):
            async with anyio.create_task_group() as group:
                group.start_soon(open_gate)
                result, _ = await ask(entry(first, second, samples=2))
    assert result.answer == "yes"
    assert (len(first.requests), len(second.requests)) == (1, 1)


async def test_headers_and_more_of_the_body() -> None:
    more = {"headers": {"X-Title": "council"}, "extra_body": {"provider": {"order": ["x"]}}}
    async with raw_server(GOOD) as server:
        await ask(entry(server, **more))
    (request,) = server.requests
    assert request.headers["x-title"] == "council"
    assert request.json["provider"] == {"order": ["x"]}


async def test_a_rate_holds_back_what_exceeds_it() -> None:
    async with raw_server(GOOD) as server:
        config = {
            "experts": [entry(server, samples=3, rate={"requests": 2})],
            "limits": {"deadline": 1.0},
        }
        result = await council.ask("?", panel=config)
    assert len(server.requests) == 2
    assert [reply.status for reply in result.experts].count("failed") == 1


async def test_hedging_from_a_panel_file() -> None:
    stalled: list[Step] = [STREAM_HEAD, until_closed]
    async with raw_server(stalled, GOOD) as server:
        with anyio.fail_after(10):
            result, events = await ask(entry(server, hedge_after="50ms"))
            assert result.answer == "yes"
            await server.closed[0].wait()
    assert any(isinstance(e, ExpertNotice) and e.kind == "hedge" for e in events)


SECRET = "tok-3v3ry-s3cret-0123"


@pytest.mark.parametrize("where", ["api_key", "headers", "endpoint"])
@pytest.mark.parametrize("status", ["401 Unauthorized", "200 OK"])
async def test_secrets_appear_nowhere(where: str, status: str) -> None:
    echo = plain_reply(status, json.dumps({"error": {"message": f"bad key {SECRET}"}}))
    keys: dict[str, dict[str, Any]] = {
        "api_key": {"api_key": SECRET},
        "headers": {"headers": {"X-Api-Key": SECRET}},
    }
    async with raw_server(echo) as server:
        keys["endpoint"] = {"endpoint": f"{server.url}?code={SECRET}"}
        config = {"experts": [{**entry(server, retries=1), **keys[where]}]}
        async with council.open_council(config) as opened, opened.stream("?") as stream:
            events = [event async for event in stream]
        sent = "".join(f"{request.line}{request.headers}" for request in server.requests)
        assert SECRET in sent
        shown = [*map(repr, events), stream.result.to_json(), repr(stream.error), str(stream.error)]
        shown += [repr(opened), repr(opened.experts)]
        shown += [council.events.to_json(event) for event in events]
    assert all(SECRET not in text for text in shown)
    assert any("[redacted]" in text for text in shown)
