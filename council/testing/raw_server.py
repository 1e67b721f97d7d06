"""A TCP server whose replies are given byte by byte: cuts, stalls and resets included."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import anyio
import anyio.abc
import anyio.from_thread
import anyio.to_thread

from council.tasks import task_group
from council.testing.steps import GONE, Request, Step, encrypted, read_request, send_steps

Answer = Callable[[Request], Sequence[Step]]
"""What is sent to a request."""


@dataclass
class RawServer:
    """The server's address and what it received."""

    port: int = 0
    scheme: str = "http"
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    closed: list[anyio.Event] = field(default_factory=list)
    """One event for each connection, set when the client has closed it."""
    _portal: anyio.from_thread.BlockingPortal | None = None

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def open(self) -> int:
        """How many connections are open now."""
        return sum(not closed.is_set() for closed in self.closed)

    async def wait_closed(self) -> None:
        """Waits until clients have closed all connections; for servers in a thread too."""
        if self._portal is None:
            await self._all_closed()
        else:
            # The events are those of the thread's event loop.
            await anyio.to_thread.run_sync(self._portal.call, self._all_closed)

    async def _all_closed(self) -> None:
        for closed in self.closed:
            await closed.wait()


@asynccontextmanager
async def serving(
    answer: Answer, *, tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncGenerator[RawServer, None]:
    """A server for the length of the block, on this machine alone.

    A reply is sent step by step; then the connection is closed, unless the reply's last step is
    `keep_alive`.

    Args:
        answer: Gives the steps of the reply to a request.
        tls: Makes it an HTTPS server.
        port: Where to listen; 0 for any free port.
    """
    server = RawServer(scheme="https" if tls else "http")

    async def serve(plain: anyio.abc.SocketStream) -> None:
        server.connections += 1
        closed = anyio.Event()
        server.closed.append(closed)
        try:
            async with plain:
                stream = await encrypted(plain, tls) if tls else plain
                await _answer_all(server, stream, answer)
        except GONE:
            pass
        finally:
            closed.set()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
    async with listener, task_group() as group:
        server.port = listener.extra(anyio.abc.SocketAttribute.local_port)
        group.start_soon(listener.serve, serve)
        yield server
        group.cancel_scope.cancel()


async def _answer_all(server: RawServer, stream: anyio.abc.ByteStream, answer: Answer) -> None:
    going_on = True
    while going_on:
        request = await read_request(stream)
        server.requests.append(request)
        going_on = await send_steps(stream, answer(request))


@contextmanager
def serving_in_thread(
    answer: Answer, *, tls: ssl.SSLContext | None = None
) -> Generator[RawServer, None, None]:
    """As `serving`, with an event loop and a thread of its own: for clients that block.

    `answer` is called in that thread, and events among its steps have to be made there too.
    """
    with (
        anyio.from_thread.start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(serving(answer, tls=tls)) as server,
    ):
        server._portal = portal
        yield server


@asynccontextmanager
async def raw_server(
    *replies: Sequence[Step], tls: ssl.SSLContext | None = None
) -> AsyncGenerator[RawServer, None]:
    """Answers the n-th request with the n-th reply, and further ones with the last.

    A reply is sent step by step; then the connection is closed, unless the reply's last step is
    `keep_alive`. A step `reset` closes with a TCP reset. With `tls` it speaks HTTPS.
    """
    async with serving(in_turn(*replies), tls=tls) as server:
        yield server


def in_turn(*replies: Sequence[Step]) -> Answer:
    """Answers with one reply after the other, and with the last one from then on."""
    left = list(replies)

    def answer(request: Request) -> Sequence[Step]:
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
