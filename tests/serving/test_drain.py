"""The end of a server: what runs may end, nothing new begins."""

from __future__ import annotations

import anyio
import httpx
import pytest

from serving.drain import Drain, Stopping
from serving.options import Options
from tests.serving.site import PATIENCE, serving

pytestmark = pytest.mark.anyio


async def test_a_stream_in_flight_ends_as_it_would() -> None:
    async with serving(Options(drain=PATIENCE)) as site, site.client() as web:
        async with web.stream("GET", "/stream/rude") as response:
            lines = response.aiter_lines()
            assert await anext(lines) == "one"
            site.stopping.ask()
            assert (await web.get("/health")).text == "draining"
            refused = await web.post("/echo")
            assert refused.status_code == 503
            assert refused.json()["refused"] == "shutting_down"
            assert refused.headers["connection"] == "close"
            site.go_on.set()
            assert [line async for line in lines] == ["two"]
        with anyio.fail_after(PATIENCE):
            await site.stopping.wait()
    assert len(site.told) == 1
    assert "finishing 1 requests" in site.told[0]


async def test_a_server_with_nothing_to_do_ends_at_once() -> None:
    async with serving(Options(drain=10 * PATIENCE)) as site, site.client() as web:
        await web.post("/echo")
        site.stopping.ask()
        with anyio.fail_after(PATIENCE):
            await site.stopping.wait()
    assert site.told == []


@pytest.mark.parametrize("how", ["asked twice", "ended", "out of time"])
async def test_what_does_not_end_is_ended(how: str) -> None:
    drain = 0.01 if how == "out of time" else 10 * PATIENCE
    async with (
        serving(Options(drain=drain)) as site,
        site.client() as web,
        web.stream("GET", "/stream/rude") as response,
    ):
        lines = response.aiter_lines()
        await anext(lines)
        site.stopping.ask()
        if how == "asked twice":
            site.stopping.ask()
        if how == "ended":
            site.stopping.end()
        with anyio.fail_after(PATIENCE):
            await site.stopping.wait()
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(lines)


async def test_asking_again_after_the_end_is_no_fault() -> None:
    stopping = Stopping(Drain(), 0, list[str]().append)
    stopping.end()
    stopping.ask()
    stopping.end()
    await stopping.wait()


def test_refused_requests_are_not_waited_for() -> None:
    drain, ended = Drain(), list[bool]()
    drain.enter()
    drain.begin(lambda: ended.append(True))
    assert not ended
    drain.leave()
    assert ended == [True]
