"""Responses that succeed: an object as JSON, or a stream of events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from pydantic import BaseModel
from quart import Response

KEEP_ALIVE = ": keep-alive\n"
"""A comment. No empty line follows it: some readers take that for another event of the last id."""
SILENCE = 12.0
"""Seconds of silence that a stream fills with a comment."""
_CONTENT_TYPE = "text/event-stream; charset=utf-8"


def json_reply(
    answer: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An object as JSON."""
    text = answer.model_dump_json()
    return Response(text, status, headers=dict(headers or {}), content_type="application/json")


def object_reply(answer: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    """As `json_reply`, for an object of a dialect that has no model here."""
    text = json.dumps(answer, ensure_ascii=False)
    return Response(text, headers=dict(headers), content_type="application/json")


def stream_reply(
    events: AsyncIterator[str], headers: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    """A response that goes on for as long as its events do."""
    told = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no", **(headers or {})}
    response = Response(events, status, headers=told, content_type=_CONTENT_TYPE)
    response.timeout = None
    return response


def event(number: int, type: str, line: str) -> str:
    """A server-sent event with its number and type; the line is JSON, without line feeds."""
    return f"id: {number}\nevent: {type}\ndata: {line}\n\n"
