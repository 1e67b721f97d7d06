"""Who an event is about, and what of it fits on a line."""

from __future__ import annotations

from council.events import (
    ExpertCancelled,
    ExpertFailed,
    ExpertFinished,
    ExpertNotice,
    ExpertStarted,
    ExpertToken,
    ToolCalled,
    ToolReturned,
)
from council.replies import reply_name

Ending = ExpertFinished | ExpertFailed | ExpertCancelled
ExpertEvent = ExpertStarted | ExpertNotice | ToolCalled | ToolReturned | ExpertToken | Ending

Key = tuple[str, int, str]
"""An expert's id, its sample and the stage."""


def key_of(event: ExpertEvent) -> Key:
    """What tells one reply of a run from another."""
    return event.expert, event.sample, stage_of(event)


def stage_of(event: ExpertEvent) -> str:
    """The stage that an event belongs to."""
    return event.reply.stage if isinstance(event, Ending) else event.stage


def seat(event: ExpertEvent) -> str:
    """The name under which an event's expert is shown; other stages than the answer's say so."""
    return name_of(key_of(event))


def name_of(key: Key) -> str:
    """The name under which a reply is shown."""
    return reply_name(*key)


def returned(event: ToolReturned) -> str:
    """How a tool ended."""
    ended = "failed" if event.failed else "returned"
    return f"{event.name} {ended} after {event.seconds:.1f} s"
