"""Responses that succeed: an object as JSON, or a stream of events."""

from __future__ import annotations

from collections.abc import AsyncIterator

from pydantic import BaseModel
from quart import Response

from backend import sse


def json_reply(answer: BaseModel, status: int = 200, *, sparse: bool = False) -> Response:
    """An object as JSON; a sparse one without the fields that nobody has set."""
    text = answer.model_dump_json(exclude_unset=sparse)
    return Response(text, status, content_type="application/json")


def stream_reply(events: AsyncIterator[str]) -> Response:
    """A response that goes on for as long as its events do."""
    response = Response(
        events, content_type=sse.CONTENT_TYPE, headers={"Cache-Control": "no-cache"}
    )
    response.timeout = None
    return response
