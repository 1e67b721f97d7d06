"""Reads grammars in llama.cpp's GBNF, with a place for each mistake."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from backend.chat.gbnf_analysis import left_recursive
from backend.chat.gbnf_nodes import (
    LAST_CHARACTER,
    Choice,
    Node,
    Ranges,
    Repeat,
    Rule,
    Sequence,
    character,
    inverted,
    literal,
    united,
)

LONGEST, DEEPEST, MOST_REPEATS = 200_000, 60, 100_000
"""Limits: characters of a grammar, parentheses in each other, and a repetition's numbers."""

_SPACE = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_SPACE_OR_LINES = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_NAME = re.compile(r"[A-Za-z0-9-]+")
_NUMBER = re.compile(r"[0-9]+")
_REPEATS = "*+?{"
_HEX = {"x": 2, "u": 4, "U": 8}
_ESCAPES = {"t": "\t", "r": "\r", "n": "\n", **{char: char for char in '\\"[]-'}}
_SURROGATES = range(0xD800, 0xE000)


class GrammarError(ValueError):
    """A grammar that cannot be used; the text says where and why.

    Attributes:
        line: The line at fault, from 1.
        column: The character in that line, from 1.
    """

    def __init__(self, reason: str, line: int, column: int) -> None:
        """Takes the reason and the place."""
        super().__init__(f"line {line}, column {column}: {reason}")
        self.line, self.column = line, column


@dataclass(frozen=True, slots=True)
class Grammar:
    """A grammar that can be used: it has a root, and each of its rules is there."""

    root: Rule
    rules: dict[str, Rule]


def check_gbnf(text: str) -> None:
    """Refuses what the engine would not take.

    Raises:
        GrammarError: With the line and the column.
    """
    read_gbnf(text)


def read_gbnf(text: str) -> Grammar:
    """A grammar, whose root rule is called ``root``.

    Raises:
        GrammarError: It is none, or is larger than the limits.
    """
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._rules: dict[str, Rule] = {}
        self._defined: dict[str, int] = {}
        self._used: dict[str, int] = {}
        self._depth = 0

    def read(self) -> Grammar:
        self._check_text()
        self._skip(_SPACE_OR_LINES)
        while self._at < len(self._text):
            self._rule()
        for name, at in self._used.items():
            if name not in self._defined:
                raise self._error(f"there is no rule {_shown(name)}", at)
        if "root" not in self._defined:
            raise self._error("there is no rule 'root', with which every grammar begins", 0)
        if looping := left_recursive(self._rules.values()):
            where = self._defined[looping.name]
            raise self._error(f"rule {_shown(looping.name)} can begin with itself", where)
        return Grammar(self._rules["root"], self._rules)

    def _check_text(self) -> None:
        if len(self._text) > LONGEST:
            raise self._error(f"longer than {LONGEST} characters", 0)
        for at, char in enumerate(self._text):
            if char == "\0" or ord(char) in _SURROGATES:
                raise self._error(f"the character U+{ord(char):04X} cannot stand here", at)

    def _error(self, reason: str, at: int | None = None) -> GrammarError:
        before = self._text[: self._at if at is None else at]
        return GrammarError(reason, before.count("\n") + 1, len(before) - before.rfind("\n"))

    def _skip(self, space: re.Pattern[str]) -> None:
        found = space.match(self._text, self._at)
        assert found is not None
        self._at = found.end()

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, expected: str, what: str) -> None:
        if not self._text.startswith(expected, self._at):
            raise self._error(f"{what} is expected here")
        self._at += len(expected)

    def _rule(self) -> None:
        at = self._at
        name = self._name()
        self._skip(_SPACE)
        self._take("::=", "'::='")
        if name in self._defined:
            raise self._error(f"rule {_shown(name)} is here for the second time", at)
        self._defined[name] = at
        self._skip(_SPACE_OR_LINES)
        self._named(name).body = self._choice(nested=False)
        if self._peek() not in ("\r", "\n", ""):
            raise self._error("the end of the rule is expected here")
        self._skip(_SPACE_OR_LINES)

    def _name(self) -> str:
        found = _NAME.match(self._text, self._at)
        if not found:
            raise self._error("a rule's name (letters, digits and '-') is expected here")
        self._at = found.end()
        return found[0]

    def _named(self, name: str) -> Rule:
        return self._rules.setdefault(name, Rule(name))

    def _choice(self, *, nested: bool) -> Node:
        options = [self._sequence(nested=nested)]
        while self._peek() == "|":
            self._at += 1
            self._skip(_SPACE_OR_LINES)
            options.append(self._sequence(nested=nested))
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self, *, nested: bool) -> Node:
        space = _SPACE_OR_LINES if nested else _SPACE
        items: list[Node] = []
        while item := self._item():
            self._skip(space)
            if bounds := self._repetition(space):
                item = Repeat(item, *bounds)
            if self._peek() and self._peek() in _REPEATS:
                raise self._error("one repetition after another needs parentheses between them")
            items.append(item)
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def _item(self) -> Node | None:
        readers: dict[str, Callable[[], Node]] = {
            '"': self._literal,
            "[": self._class,
            "(": self._group,
            ".": lambda: character(((0, LAST_CHARACTER),)),
        }
        char = self._peek()
        if char in readers:
            self._at += 1
            return readers[char]()
        if _NAME.match(char):
            at = self._at
            name = self._name()
            self._used.setdefault(name, at)
            return self._named(name)
        if char and char in "<!":
            raise self._error("tokens ('<…>') are not supported: write their text")
        if char and char in _REPEATS:
            raise self._error(f"there is nothing before '{char}' that could be repeated")
        return None

    def _literal(self) -> Node:
        begun, text = self._at - 1, ""
        while self._peek() != '"':
            text += self._character(begun)
        self._at += 1
        return literal(text)

    def _class(self) -> Node:
        begun = self._at - 1
        negated = self._peek() == "^"
        self._at += negated
        ranges = []
        while self._peek() != "]":
            at = self._at
            low = high = self._character(begun)
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] != "]":
                self._at += 1
                high = self._character(begun)
            if high < low:
                raise self._error("the range ends before it begins", at)
            ranges.append((ord(low), ord(high)))
        self._at += 1
        return self._of(inverted(ranges) if negated else united(ranges), begun, ranges)

    def _of(self, ranges: Ranges, begun: int, written: list[tuple[int, int]]) -> Node:
        if not written or not ranges:
            raise self._error("no character fits this", begun)
        return character(ranges)

    def _group(self) -> Node:
        begun = self._at - 1
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error(f"more than {DEEPEST} parentheses in each other", begun)
        self._skip(_SPACE_OR_LINES)
        found = self._choice(nested=True)
        if self._peek() != ")":
            raise self._error("')' is expected here")
        self._at += 1
        self._depth -= 1
        return found

    def _character(self, begun: int) -> str:
        """One character of a literal or a class, as it is or escaped."""
        char = self._peek()
        if not char:
            raise self._error("this is not closed", begun)
        self._at += 1
        if char != "\\":
            return char
        return self._escaped()

    def _escaped(self) -> str:
        at, kind = self._at - 1, self._peek()
        self._at += 1
        if kind in _ESCAPES and kind:
            return _ESCAPES[kind]
        digits = _HEX.get(kind, 0)
        found = re.compile(rf"[0-9A-Fa-f]{{{digits}}}").match(self._text, self._at)
        if not digits or not found:
            raise self._error("there is no such escape", at)
        self._at = found.end()
        number = int(found[0], 16)
        if number > LAST_CHARACTER or number in _SURROGATES:
            raise self._error(f"U+{number:04X} is no character", at)
        return chr(number)

    def _repetition(self, space: re.Pattern[str]) -> tuple[int, int | None] | None:
        """How often the last item stands there, if it says so."""
        char, at = self._peek(), self._at
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if char in simple:
            self._at += 1
            self._skip(space)
            return simple[char]
        if char != "{":
            return None
        self._at += 1
        self._skip(space)
        bounds = self._bounds(space)
        self._take("}", "'}'")
        self._skip(space)
        if bounds[1] is not None and bounds[1] < bounds[0]:
            raise self._error("the repetition's second number is smaller than its first", at)
        return bounds

    def _bounds(self, space: re.Pattern[str]) -> tuple[int, int | None]:
        least = self._number(space)
        if self._peek() != ",":
            return least, least
        self._at += 1
        self._skip(space)
        return least, None if self._peek() == "}" else self._number(space)

    def _number(self, space: re.Pattern[str]) -> int:
        found = _NUMBER.match(self._text, self._at)
        if not found:
            raise self._error("a number is expected here")
        # Cut before it is read: a long one would take long.
        number = int(found[0][:20])
        if number > MOST_REPEATS:
            raise self._error(f"no more than {MOST_REPEATS} repetitions are possible")
        self._at = found.end()
        self._skip(space)
        return number


def _shown(name: str) -> str:
    return repr(name[:60])
