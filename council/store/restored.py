"""What a kept run was asked with, made again from its record: seats, form and strategy."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from council.answer_form import AnswerForm
from council.assemble import Parts
from council.errors import AgentError, ConfigError, StoreError
from council.expert import Expert
from council.messages import ChatRequest, ChatToken, Sampling
from council.store.panel_record import Seat
from council.store.records import RunRecord
from council.strategies import STRATEGIES, Strategy, Vote
from council.structured import to_form


def panel_of(record: RunRecord, form: AnswerForm | None) -> Parts:
    """The panel of a run; its agents ask nobody, the record has to be before them.

    Args:
        record: The run.
        form: What answers have to look like unless a run says otherwise.
    """
    return Parts(
        experts=tuple(_expert(seat, record.panel.tools) for seat in record.panel.experts),
        writers=tuple(map(_expert, record.panel.writers)),
        strategy=Vote(),
        # Nobody is asked: there is nothing to limit, and prices are not in the record.
        limits=replace(record.limits, tokens=None, cost=None),
        form=form,
    )


def form_of(record: RunRecord) -> AnswerForm | None:
    """The form of a run's answers; None where they had none.

    Raises:
        StoreError: It was a model made in Python, of which the record does not hold enough.
    """
    kept = record.panel.form
    if kept is None:
        return None
    try:
        return replace(to_form(json.loads(kept.schema)), name=kept.name)
    except ConfigError as error:
        raise StoreError(
            f"run {record.id[:8]}: its answers had the form of {kept.name!r}, a model made in"
            f" Python: only Python can give it again (response_format=…): {error}"
        ) from None


def strategy_of(record: RunRecord) -> Strategy:
    """The strategy of a run.

    Raises:
        StoreError: It was made in Python, or does not take the options of then any more.
    """
    kind = STRATEGIES.get(record.strategy)
    if kind is None:
        raise StoreError(
            f"run {record.id[:8]} was decided by {record.strategy!r}, a strategy made in Python:"
            " only Python can give it again (strategy=…)"
        )
    try:
        return kind.model_validate_json(record.options)
    except ValidationError as error:
        raise StoreError(
            f"run {record.id[:8]}: the options of {record.strategy!r} are no longer what they"
            f" were: {error.errors()[0]['msg']}"
        ) from None


def _expert(seat: Seat, tools: tuple[dict[str, Any], ...] = ()) -> Expert:
    return Expert(
        id=seat.id,
        agent=_Absent(seat.id, seat.model),
        persona=seat.persona,
        samples=seat.samples,
        weight=seat.weight,
        family=seat.family,
        sampling=Sampling(**_as_tuples(seat.sampling)),
        extra=seat.extra,
        takes_schema=seat.takes_schema,
        tools=tools if seat.tools else (),
    )


def _as_tuples(sampling: dict[str, Any]) -> dict[str, Any]:
    """Knobs as `Sampling` has them: JSON has no tuples."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in sampling.items()
    }


class _Absent:
    """An agent in a panel that asks nobody."""

    def __init__(self, id: str, model: str) -> None:
        self.id = id
        self.model = model

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        """Always fails: the record is before it."""
        raise AgentError(f"{self.id} is not asked here")
        yield ChatToken()  # makes this a generator

    async def aclose(self) -> None:
        """Holds nothing."""
