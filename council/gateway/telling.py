"""What a chat client is told of a run while it goes on: from its events to pieces of text.

A chat's wire has no word for taking text back. So no draft is sent that is known to be in doubt:

- Where the answer has to have a form it is checked at its end, and sent when it stands.
- A draft that begins as a refusal or an "I don't know" does is held back until it is none.
- Else a writer's tokens are sent as they come. If that writer fails halfway, a line in the text
  itself says that what stands above it is void: nothing else reaches every reader.

Whoever would rather wait sets `hold`, and gets the answer when it stands.
"""

from __future__ import annotations

from dataclasses import dataclass

import regex

from council.events import (
    AnswerDiscarded,
    AnswerToken,
    Event,
    ExpertCancelled,
    ExpertFailed,
    ExpertFinished,
    ExpertToken,
    RunFinished,
)
from council.gateway.floor import Floor
from council.gateway.state import Show
from council.gateway.summary import text_of
from council.replies import Reply, reply_name

VOID = "\n\n[What stands above is void: {reason}. The answer begins anew.]\n\n"
DISCARDED = "\n\n[A draft of the answer was discarded: {reason}.]"

_WRITING = ("synthesis", "repair")
"""The stages whose text is the answer's: it is not told twice."""
_LONGEST_OPENING = 400  # characters: what is longer is no mere refusal
_OPENING = regex.compile(
    r"\W*(?:(?:i['’]?m |i am )?(?:sorry|unfortunately|well|but)\b\W*)*"
    r"(?:as an ai\b|unknown\b|i(?:['’]m| am)? (?:really )?"
    r"(?:can(?:['’]?t|not| not)|won['’]?t|unable|not|must decline|do not|don['’]?t|have no)\b)",
    regex.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Text:
    """More of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Aside:
    """More of what is no answer: what experts say, and what became of drafts."""

    text: str


Piece = Text | Aside


class Teller:
    """Tells of one run; `hear` takes its events in order.

    Args:
        show: What is told.
        hold: Whether the answer is told only when it stands.

    Attributes:
        discarded: Why drafts were discarded, a sentence each.
    """

    def __init__(self, show: Show = "answer", *, hold: bool = False) -> None:
        self.discarded: list[str] = []
        self._floor = Floor() if show == "experts" else None
        self._hold = hold
        self._sent: list[str] = []
        self._held = ""
        self._flows = False
        self._void = ""

    def hear(self, event: Event) -> list[Piece]:
        """What is to be told because of an event; often nothing."""
        match event:
            case AnswerToken():
                return self._write(event.text)
            case AnswerDiscarded():
                return self._discard(event.reason)
            case RunFinished():
                answer = event.result.answer
                return self._finish(None if answer is None else text_of(event.result))
            case _:
                return self._overhear(event, self._floor) if self._floor is not None else []

    def _write(self, text: str) -> list[Piece]:
        if self._hold:
            return []
        if not self._flows:
            self._held += text
            if may_be_discarded(self._held):
                return []
            text, self._held, self._flows = self._held, "", True
        return self._tell(text)

    def _tell(self, text: str) -> list[Piece]:
        """The answer goes on, after all that experts have said so far."""
        self._sent.append(text)
        aside = self._floor.clear() if self._floor is not None else ""
        told = Text(self._void + text)
        self._void = ""
        return [Aside(aside), told] if aside else [told]

    def _discard(self, reason: str) -> list[Piece]:
        self.discarded.append(reason)
        sent = bool(self._sent)
        self._sent.clear()
        self._held, self._flows = "", False
        if not sent:
            return []
        # The line itself waits for another answer: there may be none.
        self._void = VOID.format(reason=reason)
        return [Aside(DISCARDED.format(reason=reason))]

    def _finish(self, answer: str | None) -> list[Piece]:
        """What is still to be told of the answer, None for a run without one."""
        if answer is None:
            left = self._floor.clear() if self._floor is not None else ""
            return [Aside(left)] if left else []
        sent = "".join(self._sent)
        if answer.startswith(sent):
            rest = answer[len(sent) :]
            return self._tell(rest) if rest else []
        return [*self._discard("it is not what the panel came to"), *self._tell(answer)]

    def _overhear(self, event: Event, floor: Floor) -> list[Piece]:
        said = ""
        match event:
            case ExpertToken() if event.text and event.stage not in _WRITING:
                who = reply_name(event.expert, event.sample, event.stage)
                said = floor.say(who, event.text)
            case ExpertFinished() | ExpertFailed() | ExpertCancelled():
                said = _ended(event.reply, floor)
            case _:
                pass
        return [Aside(said)] if said else []


def may_be_discarded(text: str) -> bool:
    """Whether a draft that begins so may turn out to be no answer at all."""
    if not text.strip():
        return True
    return len(text) <= _LONGEST_OPENING and _OPENING.match(text, partial=True) is not None


def _ended(reply: Reply, floor: Floor) -> str:
    if reply.stage in _WRITING:
        return ""
    note = f"[failed: {reply.error.message}]" if reply.error is not None else ""
    return floor.end(reply_name(reply.id, reply.sample, reply.stage), note)
