"""Text that arrives in pieces, for readers who do not care where it was cut.

A reader is a generator: it yields parts, and None where it needs more text to go on. Each decision
depends on the text alone, never on how much of it is there, so cuts make no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

from backend.chat.parts import Part

T = TypeVar("T")
Steps = Generator[Part | None, None, T]
"""A reader: yields parts and, where it waits for text, None."""
SPACE = " \t\r\n"


class BrokenError(Exception):
    """The text is not what it seemed to be."""


class Source:
    """The text that is not read yet."""

    __slots__ = ("_marks", "_text", "at", "ended")

    def __init__(self) -> None:
        """Begins with no text."""
        self._text = ""
        self._marks = 0
        self.at = 0
        self.ended = False

    def add(self, text: str) -> None:
        """The next piece has come."""
        if self._marks:
            self._text += text
        else:
            self._text, self.at = self._text[self.at :] + text, 0

    @property
    def rest(self) -> str:
        """What has come and is not read."""
        return self._text[self.at :]

    def take(self, count: int | None = None) -> str:
        """Reads so many characters, or all there are."""
        end = len(self._text) if count is None else self.at + count
        text, self.at = self._text[self.at : end], min(end, len(self._text))
        return text

    def mark(self) -> int:
        """Keeps what is read from here on, until ``release``."""
        self._marks += 1
        return self.at

    def release(self, back_to: int | None = None) -> None:
        """Ends the latest mark; with a place, goes back to it."""
        self._marks -= 1
        if back_to is not None:
            self.at = back_to

    def peek(self, count: int = 1) -> Steps[str]:
        """The next characters, fewer only where the text ends."""
        while len(self._text) - self.at < count and not self.ended:
            yield None
        return self._text[self.at : self.at + count]

    def skip_space(self) -> Steps[None]:
        """Reads over white space."""
        while True:
            rest = self.rest
            self.at += len(rest) - len(rest.lstrip(SPACE))
            if self.at < len(self._text) or self.ended:
                return
            yield None

    def expect(self, literal: str) -> Steps[None]:
        """Reads exactly this.

        Raises:
            BrokenError: There is something else.
        """
        if not (yield from self.maybe(literal)):
            raise BrokenError

    def maybe(self, literal: str) -> Steps[bool]:
        """Reads this if it is next, otherwise nothing."""
        while True:
            rest = self._text[self.at : self.at + len(literal)]
            if not literal.startswith(rest):
                return False
            if len(rest) == len(literal):
                self.at += len(literal)
                return True
            if self.ended:
                return False
            yield None

    def until(
        self,
        markers: Sequence[str],
        make: Callable[[str], Part],
        *,
        tight: bool = False,
    ) -> Steps[str | None]:
        """Passes text on up to the first marker, which stays unread.

        Args:
            markers: None of them the beginning of another.
            make: Makes a part of a piece of text.
            tight: White space before the marker stays unread too.

        Returns:
            The marker; None at the end of the text.
        """
        while True:
            rest = self.rest
            at, marker = first(rest, markers)
            certain = len(rest[:at].rstrip(SPACE)) if tight else at
            if marker is None and self.ended:
                certain = at = len(rest)
            if certain:
                yield make(rest[:certain])
            self.at += certain
            if marker is not None or self.ended:
                return marker
            yield None

    def collect(self, *markers: str, unless: Sequence[str] = ()) -> Steps[str]:
        """Reads up to the first of the markers, and the marker.

        Args:
            markers: What ends the text.
            unless: What must not come before it.

        Raises:
            BrokenError: That comes first, or the text ends.
        """
        while True:
            at, marker = first(self.rest, (*markers, *unless))
            if marker in unless:
                raise BrokenError
            if marker is not None:
                text = self.take(at)
                self.take(len(marker))
                return text
            if self.ended:
                raise BrokenError
            yield None


def first(text: str, markers: Sequence[str]) -> tuple[int, str | None]:
    """Where the first marker is, or what could become one.

    Returns:
        The place and the marker; without a marker the place where one may have begun, the length of
        the text if nowhere.
    """
    found = [(at, marker) for marker in markers if (at := text.find(marker)) >= 0]
    place, marker = min(found, default=(len(text), None), key=lambda item: item[0])
    begun = min((_begun(text, marker) for marker in markers), default=len(text))
    return (begun, None) if begun < place else (place, marker)


def _begun(text: str, marker: str) -> int:
    """Where the end of the text begins a marker; the length of the text if it does not."""
    start = max(0, len(text) - len(marker) + 1)
    at = text.find(marker[0], start)
    while at >= 0 and not marker.startswith(text[at:]):
        at = text.find(marker[0], at + 1)
    return len(text) if at < 0 else at
