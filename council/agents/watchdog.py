"""Waits that are cut short when a reply's clock says so."""

from __future__ import annotations

import asyncio
from types import TracebackType

import anyio

from council.agents.transport import under_asyncio
from council.errors import AgentTimeout
from council.limits import ProgressClock


class Watchdog:
    """Turns the passing of a clock's next limit into `AgentTimeout`; entered for one await a time.

    A reply waits once for each token. A cancel scope for each of these waits costs more than all
    that happens to the token, so under asyncio there is one timer for a whole reply: it sleeps
    until the limit that was next when it was set, looks whether a wait has really lasted so long,
    and sets itself anew if not. Under trio each wait has its scope.

    Made by `watchdog`.
    """

    def __init__(self, clock: ProgressClock) -> None:
        self._clock = clock
        self._limit = ""

    def __enter__(self) -> None:
        raise NotImplementedError

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """There will be no more waits."""

    def _timeout(self) -> AgentTimeout:
        return AgentTimeout(self._limit, self._clock.seconds_of(self._limit))


def watchdog(clock: ProgressClock) -> Watchdog:
    """The one for the event loop that runs."""
    return _TimerWatchdog(clock) if under_asyncio() else _ScopeWatchdog(clock)


class _ScopeWatchdog(Watchdog):
    _scope: anyio.CancelScope

    def __enter__(self) -> None:
        seconds, self._limit = self._clock.next_limit(anyio.current_time())
        self._scope = anyio.move_on_after(seconds)
        self._scope.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._scope.__exit__(kind, error, traceback)
        if self._scope.cancelled_caught:
            raise self._timeout()


class _TimerWatchdog(Watchdog):
    """Interrupts as `asyncio.timeout` does: cancels the task and takes that back afterwards.

    Beginning a wait only notes the time. What the limits make of it is worked out by the timer,
    which is set once for each limit of the clock and not for each wait: the limit of a later wait
    never passes before that of an earlier one.
    """

    def __init__(self, clock: ProgressClock) -> None:
        super().__init__(clock)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._set_before_token = False
        self._task: asyncio.Task[object] | None = None
        self._since: float | None = None  # when the wait under way began
        self._cancelling = 0
        self._barked = False

    def __enter__(self) -> None:
        self._since = self._loop.time()
        self._task = asyncio.current_task()
        self._cancelling = self._task.cancelling() if self._task else 0
        if self._timer is None or (self._set_before_token and self._clock.has_token):
            self._set(self._since)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._since = None
        if not self._barked or self._task is None:
            return
        self._barked = False
        # Whoever else cancels the task meanwhile is right: then it is no timeout.
        alone = self._task.uncancel() <= self._cancelling
        if alone and kind is asyncio.CancelledError:
            raise self._timeout() from error

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, since: float) -> None:
        """Sets the timer for when a wait begun then has lasted too long."""
        self.close()
        self._set_before_token = not self._clock.has_token
        seconds, self._limit = self._clock.next_limit(since)
        self._timer = self._loop.call_at(since + seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._since is None or self._task is None:
            return
        seconds, self._limit = self._clock.next_limit(self._since)
        if self._since + seconds > self._loop.time():
            self._set(self._since)
            return
        self._since = None
        self._barked = True
        self._task.cancel()
