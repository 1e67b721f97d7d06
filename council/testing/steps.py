"""What a server of a test does with one connection: requests read, replies sent step by step."""

from __future__ import annotations

import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.abc
from anyio.streams.tls import TLSStream

Step = bytes | anyio.Event | Callable[[], Awaitable[object]]
"""Bytes to send, an event to wait for, or something else to await."""

# A TLS error is an OSError too.
GONE = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)
"""What a client that hangs up, or refuses a certificate, is to its server."""


@dataclass
class Request:
    """One request as it arrived.

    Attributes:
        line: Method, target and version.
        headers: By their names in small letters.
        body: As it was sent.
    """

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body read as JSON; raises ValueError where it is none."""
        return json.loads(self.body)


async def keep_alive() -> None:
    """As a last step: the connection stays open for the next request."""


async def until_closed() -> None:
    """As a step: wait until the test is over or the client has gone."""
    await anyio.sleep_forever()


async def reset() -> None:
    """As a last step: close with a TCP reset."""


async def half_close() -> None:
    """As a step: end the server's side of the connection, whose other side stays open."""


def pause(seconds: float) -> Step:
    """A step of a server that takes its time."""

    async def wait() -> None:
        await anyio.sleep(seconds)

    return wait


async def send_steps(stream: anyio.abc.ByteStream, steps: Sequence[Step]) -> bool:
    """Sends a reply; whether the connection is for the next request too."""
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
        elif step is half_close:
            await stream.send_eof()
        elif step is not keep_alive:
            await step()
    return bool(steps) and steps[-1] is keep_alive


async def read_request(stream: anyio.abc.ByteStream) -> Request:
    """One request, whole; raises one of `GONE` where the client has left."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += await stream.receive()
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)}
    while len(body) < int(headers.get("content-length", "0")):
        body += await stream.receive()
    return Request(line, headers, body)


async def encrypted(stream: anyio.abc.ByteStream, tls: ssl.SSLContext) -> anyio.abc.ByteStream:
    """The server's end of TLS over a connection."""
    return await TLSStream.wrap(
        stream, server_side=True, ssl_context=tls, standard_compatible=False
    )
