"""What the record keeps, as values."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import TypeAdapter

from council.answer_form import AnswerForm
from council.expert import Expert
from council.limits import RunLimits
from council.messages import ChatMessage, ChatToken, Usage
from council.place import Place
from council.replies import Failure
from council.store.canonical import canonical, fingerprint
from council.store.secrets import without_secrets

RunState = Literal["running", "complete", "degraded", "failed", "interrupted"]
"""`running` stays where the process was killed; see `RunRecord.state`."""

Origin = Literal["run", "resume", "redecide"]
"""What made a run: a question, or a command over an earlier run."""


@dataclass(frozen=True, slots=True)
class Seat:
    """An expert as it was asked; what it was asked through (endpoint, key, limits) is left out.

    `tools` says whether it had those of the run.
    """

    id: str
    model: str
    persona: str
    samples: int
    weight: float
    family: str
    sampling: dict[str, Any]
    extra: dict[str, Any]
    takes_schema: bool = False
    tools: bool = False


@dataclass(frozen=True, slots=True)
class FormRecord:
    """The form that answers had to have; see `AnswerForm`.

    Attributes:
        name: What servers were told that it is called.
        schema: The JSON schema as JSON, its keys in their order: prompts hold it so.
        given: Whether it was the run's own, and not the panel's.
    """

    name: str
    schema: str
    given: bool = False

    @classmethod
    def of(cls, form: AnswerForm, *, given: bool) -> FormRecord:
        """The record of a form; a model's class is not kept, only its schema."""
        return cls(form.name, json.dumps(form.schema, default=str), given)

    def asks_as(self, other: FormRecord) -> bool:
        """Whether experts are told the same, wherever the form is from."""
        return (self.name, self.schema) == (other.name, other.schema)


@dataclass(frozen=True, slots=True)
class PanelRecord:
    """Who was asked; two panels with the same fingerprint are asked the same.

    Attributes:
        experts: The seats.
        writers: Who may write the answer, in order.
        form: What answers had to look like; None for any text, and in older records.
        tools: What experts might have called, as the chat API describes it.
    """

    experts: tuple[Seat, ...]
    writers: tuple[Seat, ...]
    form: FormRecord | None = None
    tools: tuple[dict[str, Any], ...] = ()

    @classmethod
    def of(
        cls,
        experts: Sequence[Expert],
        writers: Sequence[Expert],
        form: FormRecord | None = None,
    ) -> PanelRecord:
        """The record of a council's experts and writers, and of a run's form."""
        tools = next((expert.tools for expert in experts if expert.tools), ())
        seats = (tuple(map(_seat, experts)), tuple(map(_seat, writers)))
        return cls(*seats, form, tuple(map(dict, tools)))

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of its canonical JSON."""
        return fingerprint(canonical(self.to_dict()))

    def to_dict(self) -> dict[str, Any]:
        """The panel as JSON values."""
        data: dict[str, Any] = PANEL.dump_python(self, mode="json", fallback=str)
        return data

    def changes(self, now: PanelRecord) -> list[str]:
        """The keys in which a panel differs from this one: `ada.persona`, `experts`, …"""
        found = self._form_changes(now)
        if canonical(self.tools) != canonical(now.tools):
            found.append("tools")
        # Who takes a schema, or a tool, is asked the same as long as there is none.
        unasked = {"takes_schema": not (self.form and now.form), "tools": "tools" in found}
        names = [name for name in Seat.__slots__ if not unasked.get(name)]
        for key in ("experts", "writers"):
            before, after = getattr(self, key), getattr(now, key)
            if [seat.id for seat in before] != [seat.id for seat in after]:
                found.append("synthesizer" if key == "writers" else key)
                continue
            for old, new in zip(before, after, strict=True):
                found += [f"{old.id}.{name}" for name in names if _differ(old, new, name)]
        return list(dict.fromkeys(found))

    def _form_changes(self, now: PanelRecord) -> list[str]:
        if self.form is None or now.form is None:
            same = self.form is now.form
        else:
            same = self.form.asks_as(now.form)
        return [] if same else ["answer_schema"]


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


def _seat(expert: Expert) -> Seat:
    sampling = {name: getattr(expert.sampling, name) for name in expert.sampling.__slots__}
    return Seat(
        id=expert.id,
        model=expert.agent.model,
        persona=expert.persona,
        samples=expert.samples,
        weight=float(expert.weight),
        family=expert.info.family,
        sampling={name: value for name, value in sampling.items() if value is not None},
        extra=without_secrets(dict(expert.extra), free=True),
        takes_schema=expert.takes_schema,
        tools=bool(expert.tools),
    )


def _differ(old: Seat, new: Seat, name: str) -> bool:
    return canonical(getattr(old, name)) != canonical(getattr(new, name))


PANEL = TypeAdapter(PanelRecord)
