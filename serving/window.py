"""How much of a limit was used within the last minute: arithmetic, the time is passed in.

Times are whole nanoseconds, so that no rounding lets one too many through.
"""

from __future__ import annotations

from collections import deque

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
_GRAIN = MINUTE // 1000
"""What is used within so much time is kept as one entry, so that a window is never large."""
_UNKNOWN = SECOND
"""What to wait for those who may end at any moment."""


class Window:
    """A limit for any 60 seconds, wherever they begin.

    Attributes:
        limit: The most that may be used in them.
        held: What is set aside for requests under way. It has no time, and so does not pass.
    """

    __slots__ = ("_entries", "_used", "held", "limit")

    def __init__(self, limit: int) -> None:
        """Starts unused."""
        self.limit = limit
        self.held = 0
        self._entries: deque[tuple[int, int]] = deque()  # when, how much
        self._used = 0

    def left(self, now: int) -> int:
        """What can be used now; below 0 after a request that used more than it had set aside."""
        while self._entries and self._entries[0][0] + MINUTE <= now:
            self._used -= self._entries.popleft()[1]
        return self.limit - self._used - self.held

    def fits(self, amount: int, now: int) -> bool:
        """Whether so much can be used now; more than the limit fits where nothing is used."""
        return min(amount, self.limit) <= self.left(now)

    def take(self, amount: int, now: int) -> None:
        """Notes that so much is used, however much there was left."""
        if not amount:
            return
        self._used += amount
        if self._entries and self._entries[-1][0] // _GRAIN == now // _GRAIN:
            # Counted from the later moment: it passes too late rather than too early.
            amount += self._entries.pop()[1]
        self._entries.append((now, amount))

    def wait(self, amount: int, now: int) -> int:
        """Nanoseconds until so much fits, if nobody else uses any."""
        lacking = min(amount, self.limit) - self.left(now)
        if lacking <= 0:
            return 0
        for when, used in self._entries:
            lacking -= used
            if lacking <= 0:
                return when + MINUTE - now
        return _UNKNOWN

    def reset(self, now: int) -> int:
        """Nanoseconds until all of it is free, but for what is under way."""
        self.left(now)
        return self._entries[-1][0] + MINUTE - now if self._entries else 0
