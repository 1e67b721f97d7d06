"""An event of a run with its number, as it is sent to watchers."""

from __future__ import annotations

from council.events import Event, from_json, to_json


class Numbered:
    """One event of a run; made of the event, or of its line where it comes from the record.

    What it was not made of is worked out when it is asked for: most watchers need one of the two.

    Attributes:
        number: Its place in the run, from 1.
    """

    __slots__ = ("_event", "_line", "number")

    def __init__(self, number: int, event: Event | None = None, line: str | None = None) -> None:
        self.number = number
        self._event = event
        self._line = line

    @property
    def event(self) -> Event:
        """The event."""
        if self._event is None:
            assert self._line is not None
            self._event = from_json(self._line)
        return self._event

    @property
    def line(self) -> str:
        """The event as a line of JSON."""
        if self._line is None:
            assert self._event is not None
            self._line = to_json(self._event)
        return self._line

    @property
    def type(self) -> str:
        """The event's type."""
        return self.event.type
