"""Reads the part of regular expressions that a grammar can have: nothing that looks around."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from backend.chat.gbnf_nodes import LAST_CHARACTER, Ranges, inverted, united

_DIGITS = ((48, 57),)
_WORD = ((48, 57), (65, 90), (95, 95), (97, 122))
_BLANK = ((9, 13), (32, 32))
_ASCII = ((0, 127),)
_MOST, _DEEPEST, _LONGEST = 10_000, 30, 4_000
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0"}
_BOUNDS = re.compile(r"\{([0-9]{1,9})(,?)([0-9]{0,9})\}")
_CODE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A part of a pattern.

    Attributes:
        kind: What it is.
        ranges: The characters of a set.
        parts: What it consists of.
        least: How often its only part is there at least.
        most: And at most; None for any number.
    """

    kind: Literal["set", "row", "choice", "repeat"]
    ranges: Ranges = ()
    parts: tuple[Pattern, ...] = ()
    least: int = 1
    most: int | None = 1


_ANYTHING = Pattern("repeat", parts=(Pattern("set", ((0, LAST_CHARACTER),)),), least=0, most=None)


def read_pattern(text: str) -> Pattern:
    """The strings in which a regular expression is found, from their beginning to their end.

    ``\\d``, ``\\w``, ``\\s`` and their opposites are of ASCII, on which all dialects agree.

    Raises:
        ValueError: It is none, or has something that cannot be enforced.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST} characters")
    if any(0xD800 <= ord(char) <= 0xDFFF for char in text):
        raise ValueError("halves of characters (U+D800 to U+DFFF) cannot be written")
    reader = _Reader(text)
    found = reader.whole()
    if reader.at < len(text):
        raise ValueError(f"{text[reader.at]!r} cannot stand at place {reader.at + 1}")
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self.at = 0
        self._text = text
        self._depth = 0

    def whole(self) -> Pattern:
        """Alternatives, each with anchors of its own."""
        options = [self._anchored()]
        while self._skip("|"):
            options.append(self._anchored())
        return options[0] if len(options) == 1 else Pattern("choice", parts=tuple(options))

    def _anchored(self) -> Pattern:
        begins = self._skip("^")
        row = self._row()
        ends = self._skip("$")
        before = () if begins else (_ANYTHING,)
        return Pattern("row", parts=(*before, row, *(() if ends else (_ANYTHING,))))

    def _peek(self) -> str:
        return self._text[self.at : self.at + 1]

    def _skip(self, expected: str) -> bool:
        found = self._text.startswith(expected, self.at)
        self.at += len(expected) if found else 0
        return found

    def _next(self) -> str:
        char = self._peek()
        if not char:
            raise ValueError("the pattern ends too early")
        self.at += 1
        return char

    def _choice(self) -> Pattern:
        options = [self._row()]
        while self._skip("|"):
            options.append(self._row())
        return Pattern("choice", parts=tuple(options))

    def _row(self) -> Pattern:
        parts = []
        while self._peek() not in ("", "|", ")", "$"):
            parts.append(self._repeated(self._item()))
        return Pattern("row", parts=tuple(parts))

    def _item(self) -> Pattern:
        char = self._next()
        if char == "(":
            return self._group()
        if char == "[":
            return Pattern("set", self._class())
        if char == ".":
            return Pattern("set", inverted([(10, 10), (13, 13), (0x2028, 0x2029)]))
        if char == "\\":
            return Pattern("set", self._escape())
        if char in "^*+?{":
            raise ValueError(f"{char!r} cannot stand at place {self.at}")
        return Pattern("set", ((ord(char), ord(char)),))

    def _group(self) -> Pattern:
        if not self._skip("?:") and self._peek() == "?":
            raise ValueError("groups that begin with '(?' cannot be enforced, except '(?:'")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(f"it has more than {_DEEPEST} groups in each other")
        found = self._choice()
        if not self._skip(")"):
            raise ValueError("anchors in groups cannot be enforced, and each '(' needs its ')'")
        self._depth -= 1
        return found

    def _repeated(self, item: Pattern) -> Pattern:
        bounds = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self._peek())
        if bounds is not None:
            self.at += 1
        elif found := _BOUNDS.match(self._text, self.at):
            self.at = found.end()
            least = int(found[1])
            bounds = (least, int(found[3]) if found[3] else None if found[2] else least)
        if bounds is None:
            return item
        # Whether it takes as little as it can makes no difference to what is found.
        self._skip("?")
        least, most = bounds
        if max(least, most or 0) > _MOST or (most is not None and most < least):
            raise ValueError(f"a repetition needs numbers in order, up to {_MOST}")
        return Pattern("repeat", parts=(item,), least=least, most=most)

    def _class(self) -> Ranges:
        negated = self._skip("^")
        ranges: list[tuple[int, int]] = []
        while not self._skip("]"):
            ranges += self._members()
        found = inverted(ranges) if negated else united(ranges)
        if not ranges or not found:
            raise ValueError("no character is in one of its classes")
        return found

    def _members(self) -> Ranges:
        low = self._member()
        if self._peek() != "-" or self._text[self.at + 1 : self.at + 2] in ("]", ""):
            return low
        self.at += 1
        high = self._member()
        if len(low) + len(high) > 2 or low[0][0] != low[0][1] or high[0][0] != high[0][1]:
            raise ValueError("a range in a class goes from one character to another")
        if high[0][0] < low[0][0]:
            raise ValueError("a range in a class ends before it begins")
        return ((low[0][0], high[0][0]),)

    def _member(self) -> Ranges:
        char = self._next()
        if char == "\\":
            return ((8, 8),) if self._skip("b") else self._escape()
        return ((ord(char), ord(char)),)

    def _escape(self) -> Ranges:
        if code := _CODE.match(self._text, self.at):
            self.at = code.end()
            number = int(code[1] or code[2], 16)
            if 0xD800 <= number <= 0xDFFF:
                raise ValueError("halves of characters (U+D800 to U+DFFF) cannot be written")
            return ((number, number),)
        char = self._next()
        sets = {"d": _DIGITS, "w": _WORD, "s": _BLANK}
        if char.lower() in sets:
            ranges = sets[char.lower()]
            return ranges if char in sets else united(_without(_ASCII, ranges))
        if char.isalnum() and char not in _CONTROLS:
            raise ValueError(f"'\\{char}' cannot be enforced")
        number = ord(_CONTROLS.get(char, char))
        return ((number, number),)


def _without(ranges: Ranges, less: Ranges) -> Ranges:
    """Characters of ``ranges`` that are not in ``less``."""
    return inverted([*inverted(ranges), *less])
