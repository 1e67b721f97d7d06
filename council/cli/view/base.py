"""What every view can do, and the one that shows nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, Self

from council.events import Event
from council.prices import Price


class View(Protocol):
    """Takes the events of one run; a context manager around the time in which it shows them."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...

    def price(self, prices: Mapping[str, Price | None]) -> None:
        """Says what the tokens of each id cost; without it no cost is shown."""
        ...

    def show(self, event: Event) -> None: ...

    def close(self) -> None:
        """Leaves the terminal in order; may be called more than once."""
        ...


class SilentView:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def price(self, prices: Mapping[str, Price | None]) -> None:
        """Ignores the prices."""

    def show(self, event: Event) -> None:
        """Ignores the event."""

    def close(self) -> None:
        """Has nothing to close."""
