"""Which requests are under way, and when the last one of a server that is to end has ended."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

REQUESTS = "requests"


class Drain:
    """Counts requests, and what an app does for them that outlives them.

    Attributes:
        draining: Whether new ones are refused.
    """

    def __init__(self) -> None:
        """Starts with none, taking all."""
        self.draining = False
        self._counts: Counter[str] = Counter()
        self._then: Callable[[], object] | None = None

    @property
    def active(self) -> int:
        """How many are under way, their responses included."""
        return self._counts.total()

    def enter(self, what: str = REQUESTS) -> None:
        """A request begins, or something else that has to end before the server may."""
        self._counts[what] += 1

    def leave(self, what: str = REQUESTS) -> None:
        """It is over."""
        self._counts[what] -= 1
        self._look()

    def told(self) -> str:
        """What is under way, in words: ``3 requests and 2 runs``."""
        return " and ".join(f"{count} {what}" for what, count in self._counts.items() if count)

    def begin(self, then: Callable[[], object]) -> None:
        """Refuses requests from now on; calls ``then`` when none is left, which may be at once."""
        self.draining, self._then = True, then
        self._look()

    def _look(self) -> None:
        if self._then is not None and not self.active:
            self._then()


class Stopping:
    """The end of a server: asked for, then near, then now."""

    def __init__(self, drain: Drain, patience: float, tell: Callable[[str], object]) -> None:
        """Takes what to drain and how it ends.

        Args:
            drain: The requests.
            patience: Seconds they have.
            tell: Where a line for whoever looks on goes.
        """
        self._drain = drain
        self._patience = patience
        self._tell = tell
        self._asked = asyncio.Event()
        self._over = asyncio.Event()

    def ask(self) -> None:
        """Ends the server when its requests have ended; asked again, at once."""
        if self._asked.is_set():
            self._over.set()
            return
        self._asked.set()
        self._drain.begin(self._over.set)
        if self._drain.active and self._patience:
            self._tell(
                f"finishing {self._drain.told()}, for {self._patience:g} seconds at most;"
                " a second signal ends them"
            )

    def end(self) -> None:
        """Ends the server at once."""
        self._drain.begin(self._over.set)
        self._asked.set()
        self._over.set()

    async def wait(self) -> None:
        """Returns when it is time to stop."""
        await self._asked.wait()
        try:
            async with asyncio.timeout(self._patience):
                await self._over.wait()
        except TimeoutError:
            self._over.set()
