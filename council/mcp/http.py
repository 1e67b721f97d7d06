"""The protocol over HTTP, for this machine or for whoever has a key."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from council.gateway.schema import Failure, FailureBody
from council.mcp.server import OWNER
from serving.errors import KeyNeeded, Refusal
from serving.keys import Keys, sent_keys
from serving.listener import url_of
from serving.origins import require_local

PATH = "/mcp"
_END_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Door:
    """Who is let in.

    Attributes:
        keys: Whose keys open; without any everybody may enter.
        local: Whether only this machine reaches the server.
        hosts: Names of this machine besides loopback's, in lower case.
    """

    keys: Keys
    local: bool
    hosts: frozenset[str] = frozenset()

    def admit(self, scope: Scope) -> str:
        """The name of a request's key, empty where there are no keys.

        Raises:
            Refusal: It goes no further.
        """
        headers = Headers(scope=scope)
        if self.keys:
            given = sent_keys(headers.get("authorization", ""), headers.get("x-api-key", ""))
            key = self.keys.find(given)
            if key is None:
                raise KeyNeeded(given=bool(given))
            return key.name
        if self.local:
            # A page that a browser shows may send to any address, under a name of its own.
            asked = headers.get("host", ""), headers.get("origin")
            require_local(scope["method"], *asked, self.hosts, frozenset())
        return ""


class Guarded:
    """An app behind a door."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or refuses it."""
        if scope["type"] == "http":
            try:
                scope[OWNER] = self._door.admit(scope)
            except Refusal as refused:
                await _refusal(refused)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class Uvicorn(uvicorn.Server):
    """A server that leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


def endpoint(listener: socket.socket) -> str:
    """Where clients reach the protocol on a socket."""
    return url_of(listener) + PATH


async def serve_http(
    server: Server[Any], listener: socket.socket, door: Door, stop: Callable[[], None]
) -> None:
    """Serves until it is cancelled; then requests have two seconds to end.

    Args:
        server: What is served.
        listener: Where.
        door: To whom.
        stop: Makes the calls under way end.
    """
    # The door stands in front, with the rules and the words of council's other servers.
    unguarded = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    app = server.streamable_http_app(streamable_http_path=PATH, transport_security=unguarded)
    config = uvicorn.Config(
        Guarded(app, door),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_END_SECONDS,
    )
    await _until_cancelled(Uvicorn(config), listener, stop)


async def _until_cancelled(
    running: Uvicorn, listener: socket.socket, stop: Callable[[], None]
) -> None:
    """Serves, and ends in order where it is cancelled: it takes that for a defect otherwise."""
    serving = asyncio.ensure_future(running.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        stop()
        # Streams on which clients only listen never end by themselves: that is no error then.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        running.should_exit = True
        with anyio.CancelScope(shield=True):
            await serving
        raise


def _refusal(refused: Refusal) -> Response:
    failure = Failure(message=refused.message, type=refused.type, param=None, code=refused.code)
    return Response(
        FailureBody(error=failure).model_dump_json(),
        refused.status,
        headers=refused.headers,
        media_type="application/json",
    )
