"""`GET /v1/council/runs/ID/events`: a run's events as they happen, from any of them on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from quart import Blueprint, Response, request

from council.gateway.errors import InvalidRequest
from council.gateway.kept_run import KeptRun
from council.gateway.live_run import LiveRun
from council.gateway.numbered import Numbered
from council.gateway.replies import KEEP_ALIVE, SILENCE, event, stream_reply
from council.gateway.state import GatewayState
from serving.exchange import owner

_MOST_DIGITS = 18


def routes(state: GatewayState) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("run_events", __name__)

    @blueprint.get("/v1/council/runs/<id>/events")
    async def events(id: str) -> Response:
        run = await state.runs.get(id, owner())
        return events_reply(run, _after(run))

    return blueprint


def events_reply(run: LiveRun | KeptRun, after: int = 0) -> Response:
    """The event stream of a run behind the event of that number."""
    return stream_reply(event_stream(run, after), {"x-council-run": run.id})


async def event_stream(
    run: LiveRun | KeptRun, after: int = 0, silence: float = SILENCE
) -> AsyncGenerator[str, None]:
    """A run's events as they are sent; those that are there together are sent together."""
    async with aclosing(run.batches(after)) as batches:
        arriving = asyncio.ensure_future(anext(batches, None))
        try:
            yield KEEP_ALIVE  # the response begins, whatever the run waits for
            while True:
                done, _ = await asyncio.wait({arriving}, timeout=silence)
                if not done:
                    yield KEEP_ALIVE
                    continue
                if (batch := arriving.result()) is None:
                    return
                arriving = asyncio.ensure_future(anext(batches, None))
                yield "".join(map(_told, batch))
        finally:
            arriving.cancel()
            await asyncio.wait({arriving})


def _told(numbered: Numbered) -> str:
    return event(numbered.number, numbered.type, numbered.line)


def _after(run: LiveRun | KeptRun) -> int:
    """The number of the event that the client had last; 0 for none.

    Raises:
        InvalidRequest: It is no number of an event of this run.
    """
    header, query = request.headers.get("Last-Event-ID"), request.args.get("after")
    name, text = ("after", query) if header is None else ("Last-Event-ID", header)
    if text is None or text == "":
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise InvalidRequest(
            f"{name} must be the number of an event, not {text[:64]!r}.", param=name
        )
    if int(text) > run.count:
        raise InvalidRequest(
            f"{name} is {text}, but the run has {run.count} events by now.", param=name
        )
    return int(text)
