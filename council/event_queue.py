"""Events on their way from a run to whoever watches it."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator

import anyio
import anyio.lowlevel

from council.events import Event


class EventQueue:
    """Takes events without waiting and hands them out in order, until it is closed.

    Without a bound: a watcher that pauses must hold up neither the experts, whose limits go on,
    nor other runs that wait for a request's turn. The texts are kept anyway.

    A memory object stream of anyio would do, but takes a turn of the event loop for each event,
    which is as much as a token costs otherwise; here only waiting takes one.
    """

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._arrival: anyio.Event | None = None
        self._closed = False

    def put(self, event: Event) -> None:
        """Adds an event."""
        self._events.append(event)
        self._wake()

    def close(self) -> None:
        """There will be no more; what is there can still be taken."""
        self._closed = True
        self._wake()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._closed:
                # A cancelled run closes its queue: whoever is cancelled with it must not take
                # that for the run's end.
                await anyio.lowlevel.checkpoint_if_cancelled()
                raise StopAsyncIteration
            if self._arrival is None:
                self._arrival = anyio.Event()
            await self._arrival.wait()
        return self._events.popleft()

    def _wake(self) -> None:
        if self._arrival is not None:
            self._arrival.set()
            self._arrival = None
