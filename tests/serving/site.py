"""A small app behind a gate, on a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx
from hypercorn.asyncio import serve
from quart import Quart, Response, request

from serving.body import read_body
from serving.drain import Stopping
from serving.errors import OutOfTime, Refusal
from serving.exchange import current, owner, request_id
from serving.gate import Gate
from serving.keys import Keys
from serving.listener import bind, http_config, url_of
from serving.options import Options

PATIENCE = 60.0
HIGH = 1 << 40
"""A moment of the clock that is no special one, in nanoseconds."""


@dataclass
class Site:
    """A running app, and what its routes wait for."""

    gate: Gate
    stopping: Stopping
    url: str = ""
    port: int = 0
    now: int = HIGH
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    told: list[str] = field(default_factory=list)

    def client(self, **headers: str) -> httpx.AsyncClient:
        """A client with these headers in each request."""
        return httpx.AsyncClient(base_url=self.url, timeout=PATIENCE, headers=headers)


def make_app(site: Site) -> Quart:
    """Routes that answer at once, when told to, and in parts."""
    app = Quart(__name__, static_folder=None)
    app.config["RESPONSE_TIMEOUT"] = None

    @app.errorhandler(Refusal)
    async def refuse(error: Refusal) -> Response:
        body = {"refused": error.code, "type": error.type, "message": error.message}
        return Response(json.dumps(body), error.status, headers=error.headers)

    @app.get("/health")
    async def health() -> str:
        return "draining" if site.gate.drain.draining else "ready"

    @app.post("/echo")
    async def echo() -> Response:
        body = await read_body(request)
        facts = {"id": request_id(), "owner": owner(), "bytes": len(body)}
        return Response(json.dumps(facts), content_type="application/json")

    @app.post("/tokens/<int:expected>/<int:used>")
    async def tokens(expected: int, used: int) -> str:
        exchange = current()
        assert exchange is not None
        exchange.expect(expected)
        exchange.meter(lambda: used)
        return "ok"

    @app.post("/wait")
    async def wait() -> str:
        site.arrived.set()
        try:
            await site.go_on.wait()
        except asyncio.CancelledError:
            site.cancelled.set()
            raise
        return "ok"

    @app.get("/stream/<how>")
    async def stream(how: str) -> Response:
        failure: asyncio.Future[OutOfTime] = asyncio.get_running_loop().create_future()
        exchange = current()
        assert exchange is not None
        exchange.meter(lambda: 7)
        if how == "polite":
            exchange.when_late(failure.set_result)
        response = Response(parts(site, failure), content_type="text/event-stream")
        response.timeout = None
        return response

    return app


async def parts(site: Site, failure: asyncio.Future[OutOfTime]) -> AsyncIterator[str]:
    """A part, and another one when the site goes on; or what ended it."""
    yield "one\n"
    site.arrived.set()
    going = asyncio.ensure_future(site.go_on.wait())
    waiting: set[asyncio.Future[Any]] = {going, failure}
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        yield f"{failure.result().code}\n" if failure.done() else "two\n"
    finally:
        going.cancel()
        site.cancelled.set()


@asynccontextmanager
async def serving(
    options: Options | None = None,
    *,
    loopback: bool = False,
    keep_alive: float = PATIENCE,
    keys: Keys | None = None,
    clock: Callable[[], int] | None = None,
) -> AsyncIterator[Site]:
    """A site that is served until it is left, or stopped."""
    options = options or Options()
    gate = Gate(options, loopback=loopback, keys=keys, clock=clock or (lambda: site.now))
    told: list[str] = []
    site = Site(gate, Stopping(gate.drain, options.drain, told.append), told=told)
    app = make_app(site)
    gate.install(app)
    listener = bind("127.0.0.1", 0)
    site.url, site.port = url_of(listener), listener.getsockname()[1]
    config = http_config(listener, keep_alive=keep_alive)
    served = asyncio.create_task(serve(app, config, shutdown_trigger=site.stopping.wait))
    try:
        yield site
    finally:
        site.stopping.end()
        with anyio.fail_after(PATIENCE):
            await served


class Raw:
    """A connection whose bytes are ours."""

    def __init__(self, stream: anyio.abc.SocketStream) -> None:
        self._stream = stream

    async def send(self, data: bytes) -> None:
        await self._stream.send(data)

    async def rest(self) -> bytes:
        """All that comes until the server closes."""
        found = b""
        with anyio.fail_after(PATIENCE):
            try:
                while True:
                    found += await self._stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return found


@asynccontextmanager
async def raw(site: Site) -> AsyncIterator[Raw]:
    """A connection to a site."""
    async with await anyio.connect_tcp("127.0.0.1", site.port) as stream:
        yield Raw(stream)
