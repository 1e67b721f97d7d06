"""A server that misbehaves at random, and knows afterwards what it said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from random import Random

import anyio
import anyio.abc

from council.replies import Reply as CouncilReply
from council.tasks import task_group
from tests.support import storm_failures  # noqa: F401 - registers its kinds
from tests.support.raw_server import _read_request, _send, whole_reply
from tests.support.storm_replies import Reply, draw

_NUMBER = re.compile(r"reply-(\d+) ")
# A socket that the client has closed, told in each of the ways there are.
_GONE = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)


class StormServer:
    """Draws a reply for each request.

    Attributes:
        port: Where it listens.
        drawn: How many replies of each kind there were.
        calm: From when on it answers every request well.
        open: Connections that are open now.
    """

    def __init__(self, seed: int) -> None:
        self.port = 0
        self.drawn: Counter[str] = Counter()
        self.calm = False
        self.open = 0
        self._random = Random(seed)
        self._said: dict[str, str | None] = {}
        self._all_closed = anyio.Event()

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.port}"

    async def wait_closed(self) -> None:
        """Waits until clients have closed all connections."""
        if self.open:
            self._all_closed = anyio.Event()
            await self._all_closed.wait()

    def why_wrong(self, reply: CouncilReply) -> str | None:
        """What is wrong with calling this reply complete, None if it was sent whole like this."""
        said = reply.text + reply.refusal
        number = _NUMBER.match(said)
        if number is None:
            return f"a reply that was never sent: {said!r}"
        whole = self._said[number[1]]
        if whole is None:
            return f"a reply that was not whole: {said!r}"
        return None if said == whole else f"{said!r}, but sent was {whole!r}"

    async def serve(self, stream: anyio.abc.SocketStream) -> None:
        """One connection."""
        self.open += 1
        try:
            async with stream:
                await self._answer_all(stream)
        except _GONE:
            pass
        finally:
            self.open -= 1
            if self.open == 0:
                self._all_closed.set()

    async def _answer_all(self, stream: anyio.abc.SocketStream) -> None:
        going_on = True
        while going_on:
            await _read_request(stream)
            going_on = await _send(stream, self._next().steps)

    def _next(self) -> Reply:
        number = len(self._said)
        if self.calm:
            said = f"reply-{number} says 7"
            reply = Reply("calm", whole_reply(said), said)
        else:
            reply = draw(self._random, number)
        self._said[str(number)] = reply.said
        self.drawn[reply.kind] += 1
        return reply


@asynccontextmanager
async def storm_server(seed: int) -> AsyncGenerator[StormServer, None]:
    """A server that listens for the length of the block."""
    server = StormServer(seed)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, task_group() as group:
        server.port = listener.extra(anyio.abc.SocketAttribute.local_port)
        group.start_soon(listener.serve, server.serve)
        yield server
        group.cancel_scope.cancel()
