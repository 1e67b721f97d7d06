"""A TCP server whose replies are given byte by byte: cuts, stalls and resets included."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.abc

from council.tasks import task_group

Step = bytes | anyio.Event | Callable[[], Awaitable[object]]
"""Bytes to send, an event to wait for, or something else to await."""


@dataclass
class Request:
    """One request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class RawServer:
    """The server's address and what it received."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    closed: list[anyio.Event] = field(default_factory=list)
    """One event for each connection, set when the client has closed it."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def raw_server(*replies: list[Step]) -> AsyncGenerator[RawServer, None]:
    """Answers the n-th request with the n-th reply, and further ones with the last.

    A reply is sent step by step; then the connection is closed, unless the reply's last step is
    `keep_alive`. A step `reset` closes with a TCP reset.
    """
    server = RawServer()

    async def serve(stream: anyio.abc.SocketStream) -> None:
        server.connections += 1
        closed = anyio.Event()
        server.closed.append(closed)
        async with stream:
            try:
                while True:
                    request = await _read_request(stream)
                    server.requests.append(request)
                    steps = replies[min(len(server.requests), len(replies)) - 1]
                    if not await _send(stream, steps):
                        break
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                pass
            finally:
                closed.set()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, task_group() as group:
        server.port = listener.extra(anyio.abc.SocketAttribute.local_port)
        group.start_soon(listener.serve, serve)
        yield server
        group.cancel_scope.cancel()


async def keep_alive() -> None:
    """As a last step: the connection stays open for the next request."""


async def until_closed() -> None:
    """As a step: wait until the test is over or the client has gone."""
    await anyio.sleep_forever()


async def reset() -> None:
    """As a last step: close with a TCP reset."""


async def _send(stream: anyio.abc.SocketStream, steps: list[Step]) -> bool:
    for step in steps:
        if isinstance(step, bytes):
            await stream.send(step)
        elif isinstance(step, anyio.Event):
            await step.wait()
        elif step is until_closed:
            # Reading tells when the client goes; a client that waits sends nothing.
            await stream.receive()
        elif step is reset:
            raw = stream.extra(anyio.abc.SocketAttribute.raw_socket)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif step is not keep_alive:
            await step()
    return bool(steps) and steps[-1] is keep_alive


async def _read_request(stream: anyio.abc.SocketStream) -> Request:
    data = b""
    while b"\r\n\r\n" not in data:
        data += await stream.receive()
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)}
    while len(body) < int(headers.get("content-length", "0")):
        body += await stream.receive()
    return Request(line, headers, body)


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
END = b"0\r\n\r\n"


def chunked(data: bytes) -> bytes:
    """Data as one piece of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def sse(payload: object) -> bytes:
    """One event: JSON, or text as it is."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return f"data: {text}\n\n".encode()


def delta(text: str) -> bytes:
    """The event of one piece of text."""
    return sse({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})


FINISH = sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
DONE = sse("[DONE]")


def whole_reply(*texts: str) -> list[Step]:
    """A reply as a good server sends it."""
    events = [*map(delta, texts), FINISH, DONE]
    return [STREAM_HEAD, *map(chunked, events), END, keep_alive]


def plain_reply(status: str, body: str, content_type: str = "application/json") -> list[Step]:
    """A reply that is no stream."""
    raw = body.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(raw)}\r\n\r\n"
    )
    return [head.encode() + raw, keep_alive]


def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
