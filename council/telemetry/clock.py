"""The times of a run's events as times of day."""

from __future__ import annotations

import time

_NANO = 1_000_000_000


class Clock:
    """Turns seconds since a run's start into nanoseconds since 1970.

    The time of day is asked for once, so that durations stay true when somebody sets it.

    Args:
        at: Where the run stands now, in seconds since its start.
    """

    def __init__(self, at: float) -> None:
        self._origin = time.time_ns() - nanoseconds(at)
        self._steady = time.monotonic_ns() - nanoseconds(at)

    def of(self, at: float) -> int:
        """When an event was, in nanoseconds since 1970."""
        return self._origin + nanoseconds(at)

    def now(self) -> int:
        """The same for something that no event tells."""
        return self._origin + time.monotonic_ns() - self._steady


def nanoseconds(seconds: float) -> int:
    """Seconds as whole nanoseconds."""
    return round(seconds * _NANO)
