"""A server that misbehaves at random, and knows afterwards what it said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from random import Random

from council.replies import Reply as CouncilReply
from council.testing import RawServer, Request, Step, whole_reply
from council.testing.raw_server import serving
from tests.support import storm_failures  # noqa: F401 - registers its kinds
from tests.support.storm_replies import Reply, draw

_NUMBER = re.compile(r"reply-(\d+) ")


class StormServer:
    """Draws a reply for each request.

    Attributes:
        drawn: How many replies of each kind there were.
        calm: From when on it answers every request well.
        sockets: Where it listens, and who is connected.
    """

    def __init__(self, seed: int) -> None:
        self.drawn: Counter[str] = Counter()
        self.calm = False
        self.sockets = RawServer()
        self._random = Random(seed)
        self._said: dict[str, str | None] = {}

    @property
    def url(self) -> str:
        """The endpoint."""
        return self.sockets.url

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

    def answer(self, request: Request) -> list[Step]:
        """What is sent to the next request."""
        return self._next().steps

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
    async with serving(server.answer) as server.sockets:
        yield server
