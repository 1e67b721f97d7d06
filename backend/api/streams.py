"""Answers as streams of events, whatever the dialect."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Protocol

from backend.api.answers import Answering
from backend.engine.messages import Output
from backend.errors import ApiError, InternalError

_log = logging.getLogger(__name__)


class Telling(Protocol):
    """How one dialect tells of one answer; its methods return events, "" for none."""

    alive: str
    """The event that fills a silence."""

    def begin(self) -> str:
        """What comes before the answer."""
        ...

    def output(self, choice: int, output: Output) -> str:
        """What is new in a choice; called for each token."""
        ...

    def end(self) -> str:
        """What comes after all choices have ended."""
        ...

    def fail(self, error: ApiError) -> str:
        """What ends a stream that cannot go on, in place of ``end``."""
        ...


async def events(answering: Answering, telling: Telling) -> AsyncIterator[str]:
    """The stream of an answer, to its end or to the error that ends it."""
    try:
        if begun := telling.begin():
            yield begun
        while not answering.over:
            arrived = await answering.arrive()
            if arrived is None:
                yield telling.alive
            elif told := telling.output(*arrived):
                yield told
        if ended := telling.end():
            yield ended
    except ApiError as error:
        yield telling.fail(error)
    except Exception:
        _log.exception("a stream failed")
        yield telling.fail(InternalError())
