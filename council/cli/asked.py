"""A question to a panel file, as `council run` asks it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from council.config.schema_file import read_schema
from council.council import Council, open_council
from council.run import Run
from council.sources import AskOptions

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
    after: str | None = None
    """The run whose conversation this goes on with."""
    keep: bool = True
    """Whether the run is kept."""

    def options(self) -> AskOptions:
        """What the run is asked with besides the question."""
        return {
            "strategy": self.strategy,
            "deadline": self.deadline,
            "max_total_tokens": self.max_total_tokens,
            "max_cost": self.max_cost,
            "response_format": read_schema(self.schema) if self.schema else None,
            "seed": self.seed,
        }


@asynccontextmanager
async def ask_panel(asked: Asked, store: Store | None) -> AsyncGenerator[Run, None]:
    """Starts the run; errors as for `open_council`, `Council.stream` and `continued`."""
    async with (
        open_council(asked.config, store=store if asked.keep else None) as council,
        await _stream(council, asked, store) as run,
    ):
        yield run


async def _stream(
    council: Council, asked: Asked, store: Store | None
) -> AbstractAsyncContextManager[Run]:
    if asked.after is None or store is None:
        return council.stream(asked.question, **asked.options())
    from council.continuing import continued

    talk = await continued(store, asked.after, council)
    return talk.stream(asked.question, **asked.options())
