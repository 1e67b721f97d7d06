"""What readers of all formats have in common: calls are begun, tried, and taken back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from backend.chat.parts import CallArguments, CallBegun, Part
from backend.chat.source import SPACE, BrokenError, Source, Steps
from backend.chat.tools import Tool

_INSIDE = re.compile(r'[^"\\]*')
_OUTSIDE = re.compile(r'[^"{}\[\]]*')
_CLOSING = {"{": "}", "[": "]"}


@dataclass
class Reading:
    """An answer that is being read.

    Attributes:
        source: Its text.
        tools: Those that can be called, by name; None for any.
        new_id: Makes a call's id.
        callable: Whether calls are looked for at all.
        sure: Whether a grammar holds calls in their form, so that a call can be passed on from its
            name on. Otherwise it is passed on when all of it is there and right.
        calls: How many there were.
        thinking: Whether the text that comes next is a thought.
        may_think: Whether thoughts may still come.
    """

    source: Source
    tools: Mapping[str, Tool] | None
    new_id: Callable[[], str]
    callable: bool = True
    sure: bool = False
    calls: int = field(default=0)
    thinking: bool = False
    may_think: bool = True

    def begin(self, name: str) -> CallBegun:
        """The next call.

        Raises:
            BrokenError: There is no such tool.
        """
        if self.tools is not None and name not in self.tools:
            raise BrokenError
        self.calls += 1
        return CallBegun(self.calls - 1, self.new_id(), name)

    def text_only(self, name: str, key: str) -> bool:
        """Whether an argument can be nothing but a string."""
        tool = (self.tools or {}).get(name)
        return tool is not None and tool.text_only(key)


def attempt(reading: Reading, steps: Steps[None]) -> Steps[bool]:
    """Passes on what a reader of calls makes of the text, if it is right.

    A call that a grammar holds and that is not whole was cut off: what is of no use is dropped.

    Returns:
        False when the text is no call; it is unread again then.
    """
    begin, before = reading.source.mark(), reading.calls
    held: list[Part] = []
    passing = False
    try:
        for part in steps:
            if part is None:
                yield None
                continue
            held.append(part)
            passing = passing or reading.sure
            if passing:
                yield from held
                held.clear()
    except BrokenError:
        cut_off = reading.sure and reading.source.ended
        if cut_off:
            reading.source.take()
        kept = passing or cut_off
        reading.source.release(None if kept else begin)
        reading.calls = reading.calls if kept else before
        return kept
    reading.source.release()
    yield from held
    return True


def arguments(reading: Reading, index: int) -> Steps[None]:
    """Reads a call's arguments: an object, or one inside a string.

    Raises:
        BrokenError: They are none.
    """
    opening = yield from reading.source.peek()
    if reading.sure and opening == "{":
        for piece in nested(reading.source):
            yield None if piece is None else CallArguments(index, piece)
        return
    text = yield from raw_value(reading.source)
    yield CallArguments(index, as_object(text))


def as_object(text: str) -> str:
    """The JSON of an object; text as it is where it is right.

    Raises:
        BrokenError: It is none.
    """
    value = load(text)
    if isinstance(value, str):
        text, value = value, load(value)
    if not isinstance(value, dict):
        raise BrokenError
    try:
        json.loads(text)
    except ValueError:
        # Line breaks inside strings: understood here, but not by everybody.
        return json.dumps(value, ensure_ascii=False)
    return text


def load(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        BrokenError: It is none.
    """
    try:
        return json.loads(text, strict=False, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BrokenError from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def raw_value(source: Source) -> Steps[str]:
    """Reads the text of one JSON value.

    Raises:
        BrokenError: There is none.
    """
    opening = yield from source.peek()
    if opening in ("{", "["):
        pieces: list[str] = []
        for piece in nested(source):
            if piece is None:
                yield None
            else:
                pieces.append(piece)
        return "".join(pieces)
    if opening == '"':
        return (yield from _string(source))
    return (yield from _scalar(source))


def string(source: Source) -> Steps[str]:
    """Reads a JSON string; gives what it says.

    Raises:
        BrokenError: There is none.
    """
    if (yield from source.peek()) != '"':
        raise BrokenError
    text = yield from _string(source)
    value: str = load(text)
    return value


def _string(source: Source) -> Steps[str]:
    pieces = [source.take(1)]
    while True:
        size = 2 if (yield from source.peek()) == "\\" else 1
        piece = yield from source.peek(size)
        if len(piece) < size:
            raise BrokenError
        pieces.append(source.take(size))
        if piece == '"':
            return "".join(pieces)


def _scalar(source: Source) -> Steps[str]:
    text = ""
    while (after := (yield from source.peek())) and after not in f"{SPACE},}}]":
        text += source.take(1)
    load(text)
    return text


def nested(source: Source) -> Generator[str | None, None, None]:
    """Passes on the text of an object or array as it comes; only its ends are looked for.

    Raises:
        BrokenError: The text ends before it, or its brackets do not match.
    """
    nesting = _Nesting()
    while True:
        if count := nesting.scan(source.rest):
            yield source.take(count)
        if nesting.closed:
            return
        if source.ended:
            raise BrokenError
        yield None


class _Nesting:
    """Where an object or array ends."""

    def __init__(self) -> None:
        self.closed = False
        self._open: list[str] = []
        self._quoted = self._escaped = False

    def scan(self, text: str) -> int:
        """How much of the text belongs to it."""
        at = 0
        while at < len(text) and not self.closed:
            if self._escaped:
                self._escaped, at = False, at + 1
            elif self._quoted:
                at = self._inside(text, at)
            else:
                at = self._outside(text, at)
        return at

    def _inside(self, text: str, at: int) -> int:
        at = _end(_INSIDE, text, at)
        if at == len(text):
            return at
        self._quoted, self._escaped = text[at] != '"', text[at] == "\\"
        return at + 1

    def _outside(self, text: str, at: int) -> int:
        at = _end(_OUTSIDE, text, at)
        if at == len(text):
            return at
        character = text[at]
        if character == '"':
            self._quoted = True
        elif character in _CLOSING:
            self._open.append(_CLOSING[character])
        elif self._open.pop() != character:
            raise BrokenError
        self.closed = not self._open
        return at + 1


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
