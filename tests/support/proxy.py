"""A forward proxy on this machine that remembers what it was asked."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import anyio
import anyio.abc

from council.tasks import task_group
from council.testing.steps import GONE, Request, encrypted, read_request


@dataclass
class Proxy:
    """The proxy's address and the requests it got, `CONNECT` or absolute."""

    port: int = 0
    scheme: str = "http"
    requests: list[Request] = field(default_factory=list)

    def url(self, userinfo: str = "") -> str:
        return f"{self.scheme}://{f'{userinfo}@' if userinfo else ''}127.0.0.1:{self.port}"


@asynccontextmanager
async def forward_proxy(
    *, refuse: bytes = b"", tls: ssl.SSLContext | None = None
) -> AsyncGenerator[Proxy, None]:
    """Passes requests on; every host is this machine to it, so any name reaches a test's server.

    Args:
        refuse: What every request is answered with instead, head and body.
        tls: Makes it an HTTPS proxy.
    """
    proxy = Proxy(scheme="https" if tls else "http")

    async def serve(plain: anyio.abc.SocketStream) -> None:
        async with plain:
            try:
                stream = await encrypted(plain, tls) if tls else plain
                request = await read_request(stream)
                proxy.requests.append(request)
                await (stream.send(refuse) if refuse else _pass_on(proxy, request, stream))
            except GONE:
                pass

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, task_group() as group:
        proxy.port = listener.extra(anyio.abc.SocketAttribute.local_port)
        group.start_soon(listener.serve, serve)
        yield proxy
        group.cancel_scope.cancel()


async def _pass_on(proxy: Proxy, request: Request, client: anyio.abc.ByteStream) -> None:
    tunnel = request.line.startswith("CONNECT ")
    target = request.line.split(" ")[1]
    port = urlsplit(f"//{target}" if tunnel else target).port or 80
    async with (
        await anyio.connect_tcp("127.0.0.1", port) as server,
        task_group() as group,
    ):
        group.start_soon(_relay, server, client, group.cancel_scope)
        if tunnel:
            await client.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _relay(client, server, group.cancel_scope)
        while not tunnel:
            await server.send(_for_the_server(request))
            request = await read_request(client)
            proxy.requests.append(request)


def _for_the_server(request: Request) -> bytes:
    """The request with the path alone where a proxy gets the whole URL."""
    method, target, version = request.line.split(" ")
    headers = [f"{name}: {value}" for name, value in request.headers.items()]
    head = "\r\n".join([f"{method} {urlsplit(target).path} {version}", *headers, "", ""])
    return head.encode("latin-1") + request.body


async def _relay(
    source: anyio.abc.ByteStream, sink: anyio.abc.ByteStream, scope: anyio.CancelScope
) -> None:
    try:
        while True:
            await sink.send(await source.receive())
    except GONE:
        scope.cancel()
