"""The lines that a log has of each request: when it goes out, is answered, and is over."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from council.logs import log

_log = logging.getLogger("council.agents.http")


@contextmanager
def logged(agent: str, url: str, request: str) -> Iterator[Callable[[int], None]]:
    """Logs a request for the length of the block, at DEBUG.

    Args:
        agent: Who asks.
        url: Where, as it may be shown.
        request: The request's id.

    Yields:
        What is to be told the response's status.
    """
    if not _log.isEnabledFor(logging.DEBUG):
        yield _unheard
        return
    began = time.monotonic()
    whose = {"agent": agent, "request": request or None}
    log(_log, logging.DEBUG, "request.sent", **whose, url=url)

    def answered(status: int) -> None:
        took = time.monotonic() - began
        log(_log, logging.DEBUG, "request.answered", **whose, status=status, seconds=took)

    try:
        yield answered
    except BaseException as error:
        took, kind = time.monotonic() - began, type(error).__name__
        log(_log, logging.DEBUG, "request.failed", **whose, seconds=took, error=kind)
        raise
    log(_log, logging.DEBUG, "request.ended", **whose, seconds=time.monotonic() - began)


def _unheard(status: int) -> None:
    pass
