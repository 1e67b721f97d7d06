"""A request for a panel's answer from its run to its response, whatever its dialect."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Protocol

from council.events import Event
from council.gateway import failures
from council.gateway.errors import ApiError, InternalError
from council.gateway.fields import Wish
from council.gateway.live_run import LiveRun
from council.gateway.replies import SILENCE
from council.gateway.state import GatewayState
from council.gateway.telling import Aside, Teller
from council.result import Result
from serving.errors import OutOfTime
from serving.exchange import current, owner, when_over

_log = logging.getLogger(__name__)


class Telling(Protocol):
    """How one dialect tells of a run; its methods return what is sent, "" for nothing."""

    alive: str
    """What fills a silence."""

    def begin(self) -> str:
        """What comes before the first event."""
        ...

    def hear(self, event: Event) -> str:
        """What an event makes; after `run.finished` there is no more, but for a failed run."""
        ...

    def fail(self, error: ApiError) -> str:
        """What ends a stream without an answer."""
        ...


async def begin(state: GatewayState, wish: Wish) -> tuple[LiveRun, Teller]:
    """Starts the run that a request wants, and what tells of it.

    The run ends with the request: a client that goes away stops it.

    Raises:
        ApiError: There is no such panel, or no room for the run.
        ConfigError: The question or an option cannot be used.
    """
    panel = state.panels.find(wish.panel)
    run = await state.runs.start(panel, wish.messages, wish.options, owner=owner())
    when_over(run.hold().leave)
    # What is checked at its end, and perhaps mended, is nothing to show before.
    formed = "response_format" in wish.options or panel.council.form is not None
    teller = Teller(wish.show or state.options.show, hold=wish.hold or formed)
    return run, teller


async def whole(run: LiveRun, teller: Teller) -> tuple[Result, str]:
    """The result of a run, and what was said aside.

    Raises:
        ApiError: The run came to no answer.
    """
    asides: list[str] = []
    async with aclosing(run.watch()) as events:
        async for numbered in events:
            told = teller.hear(numbered.event)
            asides += [piece.text for piece in told if isinstance(piece, Aside)]
    result = run.result
    assert result is not None
    if result.error is not None:
        error = failures.of_failure(result.error)
        error.headers["x-council-run"] = run.id
        raise error
    return result, "".join(asides).strip()


def headers_of(run: LiveRun) -> dict[str, str]:
    """What the headers of a response say of its run."""
    status = {} if run.result is None else {"x-council-status": run.result.status}
    return {"x-council-run": run.id, **status}


async def stream(
    run: LiveRun, telling: Telling, silence: float = SILENCE
) -> AsyncGenerator[str, None]:
    """A run as a stream, to its end or to the error that ends it.

    Args:
        run: The run.
        telling: How it is told.
        silence: Seconds without an event that are filled.
    """
    late: asyncio.Future[OutOfTime] = asyncio.get_running_loop().create_future()
    if (exchange := current()) is not None:
        exchange.when_late(late.set_result)
    try:
        yield telling.begin()
        async with aclosing(_batches(run, late, silence)) as batches:
            async for batch in batches:
                told = "".join(map(telling.hear, batch)) if batch else telling.alive
                if told:
                    yield told
        if late.done():
            yield telling.fail(failures.of_refusal(late.result()))
        elif run.result is not None and run.result.error is not None:
            yield telling.fail(failures.of_failure(run.result.error))
    except Exception:
        _log.exception("a stream failed")
        yield telling.fail(InternalError())


async def _batches(
    run: LiveRun, late: asyncio.Future[OutOfTime], silence: float
) -> AsyncGenerator[list[Event], None]:
    """A run's events as they come, none for a silence, until it is over or too late."""
    async with aclosing(run.batches()) as batches:
        arriving = asyncio.ensure_future(anext(batches, None))
        try:
            while True:
                waited: set[asyncio.Future[Any]] = {arriving, late}
                await asyncio.wait(waited, timeout=silence, return_when=asyncio.FIRST_COMPLETED)
                if late.done():
                    return
                if not arriving.done():
                    yield []
                    continue
                if (batch := arriving.result()) is None:
                    return
                arriving = asyncio.ensure_future(anext(batches, None))
                yield [numbered.event for numbered in batch]
        finally:
            arriving.cancel()
            await asyncio.wait({arriving})
