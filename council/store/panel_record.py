"""A panel as it is kept: who was asked, and whether another one would be asked the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from council.answer_form import AnswerForm
from council.expert import Expert
from council.store.canonical import canonical, fingerprint
from council.store.secrets import without_secrets


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
