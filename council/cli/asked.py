"""A question to a panel file, as `council run` asks it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from council.config.schema_file import read_schema
from council.council import open_council
from council.run import Run

if TYPE_CHECKING:
    from council.store.store import Store


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks; `deadline` is in seconds, `max_cost` in US dollars."""

    config: Path
    question: str
    strategy: str | None
    deadline: float | None
    max_total_tokens: int | None
    max_cost: float | None
    seed: int
    schema: Path | None


@asynccontextmanager
async def ask_panel(asked: Asked, store: Store | None) -> AsyncGenerator[Run, None]:
    """Starts the run; errors as for `open_council` and `Council.stream`."""
    async with (
        open_council(asked.config, store=store) as council,
        council.stream(
            asked.question,
            strategy=asked.strategy,
            deadline=asked.deadline,
            max_total_tokens=asked.max_total_tokens,
            max_cost=asked.max_cost,
            response_format=read_schema(asked.schema) if asked.schema else None,
            seed=asked.seed,
        ) as run,
    ):
        yield run
