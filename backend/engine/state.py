"""Where a model is in its life, how it is brought back to it, and who lets requests through."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol


class State(enum.StrEnum):
    """Where a model is in its life; an unloaded one is loaded when it is asked."""

    UNLOADED = "unloaded"
    LOADING = "loading"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Resilience:
    """How a model is brought back.

    Attributes:
        first_delay: Seconds before the first restart; doubles with each crash in a row.
        longest_delay: Seconds it never exceeds.
        crashes: Crashes without an answer in between after which the model is given up.
        patience: Seconds a request waits for a model that is being restarted.
    """

    first_delay: float = 0.1
    longest_delay: float = 10.0
    crashes: int = 5
    patience: float = 15.0

    def delay(self, crashes: int) -> float:
        """Seconds to wait after this many crashes in a row."""
        return min(self.longest_delay, self.first_delay * 2.0 ** max(0, crashes - 1))


class Gate(Protocol):
    """Who decides which models are loaded."""

    async def open(self, model: str) -> None:
        """Returns when a model is there, or cannot be."""
        ...

    def changed(self) -> None:
        """A model's state has changed, or a request has ended."""
        ...
