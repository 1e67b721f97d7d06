"""Conversations that the server keeps: listed, shown, deleted, and begun by requests."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from quart import Blueprint, Response, request

from backend.api.plans import Ask
from backend.api.replies import json_reply
from backend.api.written import WrittenMessage, read_events
from backend.errors import InvalidRequest
from backend.registry import Registry
from backend.schema.completion import AnswerMessage
from backend.schema.sessions import SessionCard, SessionDeleted, SessionList, WholeSession
from backend.sessions import Session, Turn
from serving.exchange import owner, when_over

HEADER = "X-Session-Id"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+=-]{0,127}")


def routes(registry: Registry) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("sessions", __name__)
    sessions = registry.sessions

    @blueprint.get("/v1/sessions")
    async def every_session() -> Response:
        cards = [_card(session, sessions.ttl) for session in sessions.of(owner())]
        return json_reply(SessionList(data=cards))

    @blueprint.get("/v1/sessions/<id>")
    async def one_session(id: str) -> Response:
        session = sessions.find(id, owner())
        card = _card(session, sessions.ttl)
        answer = WholeSession(**card.model_dump(), content=list(map(dict, session.messages)))
        return json_reply(answer)

    @blueprint.delete("/v1/sessions/<id>")
    async def forget(id: str) -> Response:
        sessions.delete(id, owner())
        return json_reply(SessionDeleted(id=id))

    return blueprint


@dataclass(slots=True)
class Taken:
    """What a request asks with all that its session had before; all there is where it has none.

    Attributes:
        ask: What the model is asked.
    """

    ask: Ask
    _turn: Turn | None

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Ends a turn that has failed, before its client can see that."""
        if kind is not None and self._turn is not None:
            self._turn.close()

    def keep(self, message: AnswerMessage) -> None:
        """The answer is complete; to be called before the client can see it."""
        if self._turn is not None:
            self._turn.keep(message.model_dump(exclude_unset=True))

    def follow(self, events: AsyncIterator[str]) -> AsyncIterator[str]:
        """The events of the answer, which is kept when they come to its end."""
        return events if self._turn is None else _followed(events, self._turn)


def take(registry: Registry, given: str | None, ask: Ask) -> Taken:
    """Begins a turn of the session that the current request names, if it names one.

    It is over when the answer is kept, has failed, or at the latest with the request: that of a
    client that leaves is not kept.

    Args:
        registry: Has the sessions.
        given: The body's ``session_id``; the header says the same.
        ask: What the client has sent.

    Raises:
        ApiError: The id is none, or the session cannot take this turn.
    """
    id = request.headers.get(HEADER) if given is None else given
    if id is None:
        return Taken(ask, None)
    _check(id, request.headers.get(HEADER, id), ask.n)
    turn = registry.sessions.turn(id, owner(), ask.wanted.messages)
    when_over(turn.close)
    return Taken(replace(ask, wanted=replace(ask.wanted, messages=turn.messages)), turn)


async def _followed(events: AsyncIterator[str], turn: Turn) -> AsyncIterator[str]:
    """Reads along, since only the session needs the answer as a whole."""
    answer = WrittenMessage()
    async for piece in events:
        for event in read_events(piece):
            _follow(event, answer, turn)
        yield piece


def _follow(event: Mapping[str, Any], answer: WrittenMessage, turn: Turn) -> None:
    if "error" in event:
        turn.close()
    for choice in event.get("choices", ()):
        answer.add(choice["delta"])
        if choice["finish_reason"]:
            turn.keep(answer.message)


def _check(id: str, header: str, choices: int) -> None:
    """Refuses what is no session's id, or no turn of one.

    Raises:
        InvalidRequest: Naming the field.
    """
    if not _ID.fullmatch(id):
        raise InvalidRequest(
            "session_id must be 1 to 128 letters, digits and ._:@+=- and begin with a letter or"
            f" digit, not {id[:200]!r}.",
            param="session_id",
        )
    if header != id:
        raise InvalidRequest(
            f"session_id and the header {HEADER} name different sessions: give one of them.",
            param="session_id",
        )
    if choices != 1:
        raise InvalidRequest(
            f"n must be 1 in a session, which goes on with one answer, not {choices}.", param="n"
        )


def _card(session: Session, ttl: float) -> SessionCard:
    expires = None if session.busy or not ttl else int(session.used + ttl)
    return SessionCard(
        id=session.id,
        created_at=int(session.created),
        used_at=int(session.used),
        expires_at=expires,
        busy=session.busy,
        messages=len(session.messages),
        bytes=session.size,
    )
