"""Stop strings in a text that arrives in pieces."""

from __future__ import annotations

from collections.abc import Sequence


class StopFilter:
    """Passes text on until a stop string is complete.

    What could be the beginning of a stop string is held back until it is known not to be one, so
    that no part of a stop string is ever passed on.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        """Takes the strings that end the text; empty ones are left out."""
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.found: str | None = None

    @property
    def stopped(self) -> bool:
        """Whether a stop string is complete: the text has ended."""
        return self.found is not None

    def feed(self, text: str) -> str:
        """Takes the next piece; returns what is certain not to belong to a stop string."""
        if self.stopped:
            return ""
        self._held += text
        found = [(at, stop) for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            at, self.found = min(found)
            return self._release(at)
        return self._release(len(self._held) - self._suspect())

    def flush(self) -> str:
        """The text has ended: returns what was held back, if it was not a stop string."""
        return "" if self.stopped else self._release(len(self._held))

    def _suspect(self) -> int:
        """Length of the longest end of the held text that begins a stop string."""
        return max((_overlap(self._held, stop) for stop in self._stops), default=0)

    def _release(self, length: int) -> str:
        text, self._held = self._held[:length], self._held[length:]
        return text


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of ``text`` that is a beginning of ``stop``, but not all of it."""
    for size in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:size]):
            return size
    return 0
