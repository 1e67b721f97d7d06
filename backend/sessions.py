"""Conversations that the server keeps, so that a client sends only the new turn.

They are in memory: the end of the server is their end. Each belongs to an owner, the name of an
API key, and is unknown to all others.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backend.errors import InvalidRequest, SessionBusy, SessionNotFound, TooManySessions

MOST_BYTES = 1 << 20
"""Bytes of JSON that one conversation may have when a turn begins."""
_SYSTEM = ("system", "developer")

Message = Mapping[str, Any]


@dataclass(eq=False, slots=True)
class Session:
    """One conversation.

    Attributes:
        id: The client's name for it.
        owner: Whose it is; "" where the server takes no keys.
        created: Seconds since 1970.
        used: The same, of its last turn.
        messages: All turns so far, the model's own included, in OpenAI's shape.
        size: Bytes of them as JSON.
        busy: Whether a turn is under way.
    """

    id: str
    owner: str
    created: float
    used: float
    messages: tuple[Message, ...] = ()
    size: int = 0
    busy: bool = False


@dataclass(slots=True)
class Turn:
    """A request of a session, from its messages to the answer; over when it is kept or closed.

    Attributes:
        messages: The whole conversation, with the new turn at its end.
    """

    messages: tuple[Message, ...]
    _session: Session
    _end: Callable[[Session], None]
    _over: bool = field(default=False)

    def keep(self, answer: Message) -> None:
        """The answer is complete: it and what it answers belong to the conversation from now on.

        To be called before the client can see the end: its next turn may follow at once.
        """
        if self._over:
            return
        *before, last = self.messages
        answer = {**answer, "content": answer.get("content") or ""}
        if last["role"] == "assistant":
            # The client had begun the answer itself.
            answer = {**answer, "content": _text(last) + _text(answer)}
        else:
            before.append(last)
        self._session.messages = (*before, answer)
        self._session.size = size_of(self._session.messages)
        self.close()

    def close(self) -> None:
        """Lets the next turn begin; what is not kept has never been. Any number of times."""
        if not self._over:
            self._over = True
            self._end(self._session)


class Sessions:
    """All conversations, the longest unused first."""

    def __init__(self, most: int, ttl: float, now: Callable[[], float] = time.time) -> None:
        """Starts with none.

        Args:
            most: How many are kept; 0 for none.
            ttl: Seconds after its last turn when one is forgotten; 0 for never.
            now: Seconds since 1970.
        """
        self.ttl = ttl
        self._most = most
        self._now = now
        self._kept: dict[tuple[str, str], Session] = {}

    def turn(self, id: str, owner: str, messages: Sequence[Message]) -> Turn:
        """Begins a turn, of a new session where there is none of this id.

        Args:
            id: The session.
            owner: Who asks.
            messages: What the client has sent, at least one.

        Raises:
            SessionBusy: Another turn of it is under way.
            TooManySessions: There is no room for a new one, as all are in use.
            InvalidRequest: No sessions are kept here, the messages do not continue it, or it has
                become too large.
        """
        if not self._most:
            raise InvalidRequest(
                "This server keeps no sessions: it has to be started with --sessions N.",
                param="session_id",
            )
        session = self._find(id, owner) or Session(id, owner, self._now(), self._now())
        if session.busy:
            raise SessionBusy(id)
        whole = continued(session.messages, messages)
        if (size := size_of(whole)) > MOST_BYTES:
            raise InvalidRequest(
                f"The session {id!r} would have {size} bytes, and at most {MOST_BYTES} are kept."
                f" Delete it (DELETE /v1/sessions/{id}), or begin another one.",
                param="session_id",
                code="session_too_large",
            )
        self._put(session)
        session.busy, session.used = True, self._now()
        return Turn(whole, session, self._end)

    def find(self, id: str, owner: str) -> Session:
        """A session.

        Raises:
            SessionNotFound: There is none of this id, or it is somebody else's.
        """
        if (session := self._find(id, owner)) is None:
            raise SessionNotFound(id)
        return session

    def of(self, owner: str) -> list[Session]:
        """All sessions of somebody, the longest unused first."""
        self._expire()
        return [session for session in self._kept.values() if session.owner == owner]

    def delete(self, id: str, owner: str) -> None:
        """Forgets a session; a turn that is under way ends as it would, and is not kept.

        Raises:
            SessionNotFound: As ``find``.
        """
        session = self.find(id, owner)
        del self._kept[session.owner, session.id]

    def _end(self, session: Session) -> None:
        """A turn is over; a session without one that was kept has never been."""
        session.busy, session.used = False, self._now()
        key = (session.owner, session.id)
        if not session.messages and self._kept.get(key) is session:
            del self._kept[key]

    def _find(self, id: str, owner: str) -> Session | None:
        self._expire()
        return self._kept.get((owner, id))

    def _put(self, session: Session) -> None:
        """Puts a session behind all others, and makes room for it if it is new.

        Raises:
            TooManySessions: All are in use.
        """
        key = (session.owner, session.id)
        if self._kept.pop(key, None) is None and len(self._kept) >= self._most:
            free = next((key for key, kept in self._kept.items() if not kept.busy), None)
            if free is None:
                raise TooManySessions(self._most)
            del self._kept[free]
        self._kept[key] = session

    def _expire(self) -> None:
        """Forgets what nobody has used for long."""
        if not self.ttl:
            return
        before = self._now() - self.ttl
        for key in list(self._expired(before)):
            del self._kept[key]

    def _expired(self, before: float) -> Iterator[tuple[str, str]]:
        return (key for key, kept in self._kept.items() if kept.used < before and not kept.busy)


def continued(kept: Sequence[Message], sent: Sequence[Message]) -> tuple[Message, ...]:
    """The conversation with what was sent at its end.

    Instructions (system messages) at the beginning of what was sent take the place of those the
    session has. A client that sends the whole conversation again, as it was kept, is understood.

    Raises:
        InvalidRequest: What was sent has an answer in it that is not the session's.
    """
    if not kept:
        return tuple(sent)
    instructions, turn = divided(sent)
    before, turns = divided(kept)
    if [*map(_bare, turn[: len(turns)])] == [*map(_bare, turns)]:
        turn = turn[len(turns) :]
    if any(message["role"] == "assistant" for message in turn[:-1]):
        raise InvalidRequest(
            f"messages: the session has {len(kept)} messages already, and these have other answers"
            " in them. Send only the new turn, or leave out the session's id.",
            param="messages",
            code="session_mismatch",
        )
    if not turn:
        raise InvalidRequest(
            "messages: there is no new turn for the session, only instructions.", param="messages"
        )
    return (*(instructions or before), *turns, *turn)


def divided(messages: Sequence[Message]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """The instructions at the beginning, and the rest."""
    count = 0
    while count < len(messages) and messages[count]["role"] in _SYSTEM:
        count += 1
    return tuple(messages[:count]), tuple(messages[count:])


def size_of(messages: Sequence[Message]) -> int:
    """Bytes of messages as JSON."""
    return len(json.dumps(messages, ensure_ascii=False).encode("utf-8", "replace"))


def _bare(message: Message) -> Message:
    """A message without what is not set, and without thoughts, which clients need not send."""
    kept = message.items()
    return {name: value for name, value in kept if value and name != "reasoning_content"}


def _text(message: Message) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)
