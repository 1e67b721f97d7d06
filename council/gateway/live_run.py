"""A run of this process, under way or over: its events are kept, and any number may watch."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Self

import anyio

from council.events import Event, ExpertToken, RunFinished
from council.gateway.interrupted import INTERRUPTED, last_event
from council.gateway.numbered import Numbered
from council.messages import ChatMessage
from council.replies import Failure
from council.result import Result
from council.run import Run
from council.store.records import RunState

_BATCH = 256
_EVENT_BYTES = 400
"""What an event takes besides its texts, roughly."""


class LiveRun:
    """A run that `Runs` has started.

    Whoever watches has a place in the list of events and nothing else: who is slow costs nothing
    and misses nothing.

    Attributes:
        id: The run's id.
        panel: The panel's name.
        owner: Whose run it is; empty where the server takes no keys.
        messages: What is asked, the question last.
        strategy: The strategy's name.
        created: When it was asked for, in seconds since 1970 UTC.
        scope: What the run happens in; belongs to `Runs`.
        began: Whether it has left the queue.
        over: Set when its last event is there.
    """

    def __init__(
        self, id: str, panel: str, owner: str, messages: Sequence[ChatMessage], strategy: str
    ) -> None:
        self.id = id
        self.panel = panel
        self.owner = owner
        self.messages = tuple(messages)
        self.strategy = strategy
        self.created = time.time()
        self.scope = anyio.CancelScope()
        self.began = False
        self.over = anyio.Event()
        self._events: list[Event] = []
        self._arrival: anyio.Event | None = None
        self._run: Run | None = None
        self._holders = 0

    @property
    def question(self) -> str:
        """The last message's text."""
        return self.messages[-1].text

    @property
    def result(self) -> Result | None:
        """What it came to; None while it goes on."""
        last = self._events[-1] if self._events else None
        return last.result if isinstance(last, RunFinished) else None

    @property
    def status(self) -> RunState:
        """How it stands, in the words of the record."""
        if (result := self.result) is None:
            return "running"
        return "interrupted" if result.error == INTERRUPTED else result.status

    @property
    def count(self) -> int:
        """How many events there are by now."""
        return len(self._events)

    @property
    def size(self) -> int:
        """Bytes that its events take, roughly."""
        tokens = sum(
            len(event.text) + len(event.reasoning)
            for event in self._events
            if isinstance(event, ExpertToken)
        )
        asked = sum(len(str(message.content)) for message in self.messages)
        # Replies and the result hold the texts once more, each.
        return _EVENT_BYTES * len(self._events) + 3 * tokens + asked

    async def watch(self, after: int = 0) -> AsyncGenerator[Numbered, None]:
        """The events behind the one of that number, to the last one, which is `run.finished`."""
        async with aclosing(self.batches(after)) as batches:
            async for batch in batches:
                for numbered in batch:
                    yield numbered

    async def batches(self, after: int = 0) -> AsyncGenerator[list[Numbered], None]:
        """As `watch`; events that are there already come together."""
        while True:
            # Of a long run not all at once: other runs have their turn in between.
            upto = min(len(self._events), after + _BATCH)
            if upto > after:
                fresh = self._events[after:upto]
                yield [Numbered(after + i, event) for i, event in enumerate(fresh, 1)]
                after = upto
            elif self.over.is_set():
                return
            else:
                await self._next().wait()

    def cancel(self) -> None:
        """Stops it; its last event comes as soon as it has stopped."""
        self.scope.cancel()

    def hold(self) -> Hold:
        """Holds the run from now on: it is cancelled when its last holder leaves."""
        self._holders += 1
        return Hold(self)

    # for `Runs`

    def follow(self, run: Run) -> None:
        """The run has begun."""
        self._run = run

    def add(self, event: Event) -> None:
        """Something has happened."""
        self._events.append(event)
        self._wake()

    def end(self, error: Failure | None = None) -> None:
        """It is over; what has no last event by now gets one.

        Args:
            error: Why there is no answer, where it was not interrupted.
        """
        if self.result is None:
            self._events.append(self._last_event(error))
        self._run = None
        self.over.set()
        self._wake()

    def let_go(self) -> None:
        """A holder has left."""
        self._holders -= 1
        if not self._holders and not self.over.is_set():
            self.cancel()

    def _last_event(self, error: Failure | None) -> RunFinished:
        if self._run is not None and error is None:
            result = self._run.snapshot()
            return RunFinished(result.seconds, result)
        about = {"question": self.question, "strategy": self.strategy}
        return last_event(self.id, self._events, **about, error=error or INTERRUPTED)

    def _next(self) -> anyio.Event:
        if self._arrival is None:
            self._arrival = anyio.Event()
        return self._arrival

    def _wake(self) -> None:
        if self._arrival is not None:
            self._arrival.set()
            self._arrival = None


class Hold:
    """One holder of a run; leaves once, by the end of a block or by `leave`."""

    def __init__(self, run: LiveRun) -> None:
        self._run: LiveRun | None = run

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Lets go. A request does so in `serving.exchange.when_over`: where its client leaves
        before the response begins, no `finally` of the response runs.
        """
        run, self._run = self._run, None
        if run is not None:
            run.let_go()
