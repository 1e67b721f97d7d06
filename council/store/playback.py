"""A run that is kept, happening once more: the same events in the same order, nobody asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import anyio
import anyio.lowlevel

from council.errors import StoreError
from council.events import Event, RunFinished, from_json
from council.result import Result
from council.store.records import RunRecord


class Playback:
    """Iterated like a `Run`; what it gives is what `council run` was given.

    Args:
        run: The run.
        lines: Its events.
        speed: How many times as fast as it was; None for as fast as possible.

    Attributes:
        id: The run's id.
        line: The line of JSON of the event that was given last, as it is kept.
    """

    def __init__(self, run: RunRecord, lines: Sequence[str], speed: float | None) -> None:
        self.id = run.id
        self.line = ""
        self._run = run
        self._lines = lines
        self._speed = speed
        self._result: Result | None = None

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._events()

    @property
    def result(self) -> Result:
        """The result that the run came to.

        Raises:
            StoreError: It came to none, or that has not been given yet.
        """
        if self._result is None:
            id = self.id[:8]
            raise StoreError(
                f"run {id} has no result, it is {self._run.state}: council resume {id} goes on"
                " with it"
            )
        return self._result

    def snapshot(self) -> Result | None:
        """The result, None while it has not been given."""
        return self._result

    async def _events(self) -> AsyncGenerator[Event, None]:
        started = anyio.current_time()
        for line in self._lines:
            event = from_json(line)
            if self._speed is None:
                await anyio.lowlevel.checkpoint()
            else:
                await anyio.sleep_until(started + event.at / self._speed)
            if isinstance(event, RunFinished):
                self._result = event.result
            self.line = line
            yield event
