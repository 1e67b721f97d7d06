"""Options of strategies that name experts or synthesizers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from council.errors import ConfigError
from council.expert import Expert
from council.panel import Panel


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Ids = Annotated[
    list[str],
    Field(min_length=1),
    BeforeValidator(_as_list, json_schema_input_type=str | list[str]),
]
"""One id or several, in order of preference."""


def seats_named(panel: Panel, ids: Sequence[str], option: str) -> list[Expert]:
    """The experts and writers of those ids.

    Raises:
        ConfigError: There is none of that id. A panel file is checked when it is read; this is for
            strategies that are given to a run.
    """
    known = {seat.id: seat for seat in (*panel.writers, *panel.experts)}
    for id in ids:
        if id not in known:
            raise ConfigError(
                f"strategy.{option}: no expert or synthesizer is called {id!r}"
                f" (known: {', '.join(sorted(known))})"
            )
    return [known[id] for id in ids]
