"""What the routes of ``/v1/sessions`` answer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel


class SessionCard(BaseModel):
    """A conversation that the server keeps; times are in seconds since 1970.

    ``messages`` counts the turns, ``bytes`` is their size as JSON. ``expires_at`` is when it will
    be forgotten if it is not used before, null for never. While it is ``busy``, a request of it is
    not answered yet.
    """

    id: str
    object: Literal["session"] = "session"
    created_at: int
    used_at: int
    expires_at: int | None
    busy: bool
    messages: int
    bytes: int


class SessionList(BaseModel):
    """All sessions of whoever asks, the longest unused first."""

    object: Literal["list"] = "list"
    data: list[SessionCard]


class WholeSession(SessionCard):
    """A session with its messages, as they are sent to ``/v1/chat/completions``."""

    content: list[dict[str, Any]]


class SessionDeleted(BaseModel):
    """It is forgotten."""

    id: str
    object: Literal["session.deleted"] = "session.deleted"
    deleted: Literal[True] = True
