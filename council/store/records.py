"""What the record keeps, as values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from council.limits import RunLimits
from council.messages import ChatMessage, ChatToken, Usage
from council.place import Place
from council.replies import Failure
from council.store.panel_record import PanelRecord

RunState = Literal["running", "complete", "degraded", "failed", "interrupted"]
"""`running` stays where the process was killed; see `RunRecord.state`."""

Origin = Literal["run", "resume", "redecide"]
"""What made a run: a question, or a command over an earlier run."""


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a run before it begins.

    Attributes:
        conversation: What is asked, the question last.
        panel: Who is asked.
        strategy: The strategy's name.
        options: Its options, also those left at their defaults.
        limits: The run's limits.
        source: The panel file's path; empty for a panel made in Python.
        config: The panel file's content without secrets; empty for a panel made in Python.
        secrets: What must not be written down.
        origin: What made the run.
        parent: The id of the run it goes back to, if any.
        place: Where it stands in a conversation, if it does.
        owner: Who asked a server for it, by the name of a key; empty for everybody's.
    """

    conversation: tuple[ChatMessage, ...]
    panel: PanelRecord
    strategy: str
    options: Mapping[str, Any]
    limits: RunLimits
    source: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    origin: Origin = "run"
    parent: str = ""
    place: Place | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run as it is kept; the attributes of `Head`, and what became of it.

    Attributes:
        id: The run's id.
        status: How it ended; `running` where nobody has said so.
        pid: The process that ran it.
        started: When, in seconds since 1970 UTC.
        ended: When it ended, None if it has not.
        question: The last message's text.
        answer: The panel's answer, None where there is none.
        usage: The sum over all replies.
        seed: What the strategy drew its lots with.
        fingerprint: The panel's fingerprint.
        options: The strategy's options, as JSON.
    """

    id: str
    status: RunState
    pid: int
    started: float
    ended: float | None
    question: str
    answer: str | None
    usage: Usage
    seed: int
    conversation: tuple[ChatMessage, ...]
    panel: PanelRecord
    fingerprint: str
    strategy: str
    options: str
    limits: RunLimits
    source: str
    config: Mapping[str, Any]
    origin: Origin
    parent: str
    place: Place | None = None
    owner: str = ""

    @property
    def state(self) -> str:
        """The status in a word for a person: `broken off` where the process has gone."""
        return "broken off" if self.status == "running" and not self.alive else self.status

    @property
    def alive(self) -> bool:
        """Whether the process that ran it is there and the run has not ended."""
        if self.status != "running":
            return False
        if os.name != "posix":  # elsewhere a signal of 0 is no question
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except OSError:  # somebody else's process
            return True
        return True


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it was sent: its place in the run, who was asked, and its canonical JSON."""

    number: int
    expert: str
    fingerprint: str
    body: str


@dataclass(frozen=True, slots=True)
class RecordedReply:
    """What became of a request.

    Attributes:
        number: The request's place in the run, from 0.
        expert: Who was asked.
        fingerprint: What it was asked.
        tokens: The whole reply, in as few tokens as hold it; empty if it did not come.
        failure: Why it did not come: an error, or None where it was cancelled or cut off.
        ended: How many requests of the run had ended before it; None where it had not itself.
    """

    number: int
    expert: str
    fingerprint: str
    tokens: tuple[ChatToken, ...] = ()
    failure: Failure | None = None
    ended: int | None = None


@dataclass(frozen=True, slots=True)
class RecordedVector:
    """A text's vector in a run.

    Attributes:
        model: Who embedded it.
        space: Which vectors it may be compared with; see `vectors.space_of`.
        text: The SHA-256 of the text.
        vector: The vector.
        usage: What embedding this text used.
    """

    model: str
    space: str
    text: str
    vector: tuple[float, ...]
    usage: Usage


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where a text was found: in which run, whose words, and the words around it."""

    run: str
    started: float
    who: str
    excerpt: str
