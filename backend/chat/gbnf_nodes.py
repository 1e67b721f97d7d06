"""A grammar in memory. Its letters are bytes: text arrives in tokens, which end anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

LAST_CHARACTER = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)
_LENGTHS = (0x7F, 0x7FF, 0xFFFF, LAST_CHARACTER)
"""The last character that UTF-8 writes with one, two, three and four bytes."""


@dataclass(eq=False, slots=True)
class Byte:
    """One byte: for each edge the first and last that it may be, and what has to follow.

    Nothing more has to follow where an edge leads to None.
    """

    edges: tuple[tuple[int, int, Byte | None], ...]


@dataclass(eq=False, slots=True)
class Sequence:
    """One after the other."""

    items: tuple[Node, ...]


@dataclass(eq=False, slots=True)
class Choice:
    """One of them."""

    options: tuple[Node, ...]


@dataclass(eq=False, slots=True)
class Repeat:
    """The same several times; any number where ``most`` is None."""

    item: Node
    least: int
    most: int | None


@dataclass(eq=False, slots=True)
class Rule:
    """A rule, known by its name; its body is there when the whole grammar has been read."""

    name: str
    body: Node = field(default_factory=lambda: Sequence(()))


Node = Byte | Sequence | Choice | Repeat | Rule

Ranges = tuple[tuple[int, int], ...]
"""Characters: first and last of each range, in order, without gaps of nothing between them."""


def united(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same characters, in order and without overlaps."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def inverted(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """All other characters."""
    found, at = [], 0
    for low, high in united(ranges):
        if low > at:
            found.append((at, low - 1))
        at = high + 1
    if at <= LAST_CHARACTER:
        found.append((at, LAST_CHARACTER))
    return tuple(found)


def literal(text: str) -> Node:
    """Exactly this text."""
    return Sequence(tuple(_byte(byte) for byte in text.encode()))


@cache
def _byte(byte: int) -> Byte:
    return Byte(((byte, byte, None),))


@cache
def character(ranges: Ranges) -> Byte:
    """One character of these ranges; halves of surrogate pairs are none.

    Raises:
        ValueError: There is none.
    """
    found = _tree([spans for low, high in ranges for spans in _utf8(low, high)])
    if found is None:
        raise ValueError("no character is left")
    return found


Spans = tuple[tuple[int, int], ...]
"""First and last of the bytes in each place."""


def _tree(sequences: list[Spans]) -> Byte | None:
    """What of these sequences begins alike is followed together."""
    rest: dict[tuple[int, int], list[Spans]] = {}
    for spans in sequences:
        if spans:
            rest.setdefault(spans[0], []).append(spans[1:])
    return _edges(tuple((*span, _tree(after)) for span, after in rest.items())) if rest else None


@cache
def _edges(edges: tuple[tuple[int, int, Byte | None], ...]) -> Byte:
    """One node for the same edges, so that their states are the same too."""
    return Byte(edges)


def _utf8(low: int, high: int) -> Iterator[Spans]:
    """The bytes of all characters of a range."""
    for first, last in _without_surrogates(low, high):
        begin = first
        for end in _LENGTHS:
            if begin <= min(end, last):
                yield from _split(chr(begin).encode(), chr(min(end, last)).encode())
            begin = max(begin, end + 1)


def _without_surrogates(low: int, high: int) -> Iterator[tuple[int, int]]:
    for first, last in ((0, _SURROGATES[0] - 1), (_SURROGATES[1] + 1, LAST_CHARACTER)):
        if max(low, first) <= min(high, last):
            yield max(low, first), min(high, last)


def _split(low: bytes, high: bytes) -> Iterator[Spans]:
    """Spans of bytes that together are everything from ``low`` to ``high``, of the same length."""
    if len(low) == 1:
        yield ((low[0], high[0]),)
    elif low[0] == high[0]:
        for spans in _split(low[1:], high[1:]):
            yield ((low[0], low[0]), *spans)
    else:
        yield from _uneven(low, high)


def _uneven(low: bytes, high: bytes) -> Iterator[Spans]:
    """As ``_split``, where the first bytes differ."""
    tail = len(low) - 1
    smallest, largest = b"\x80" * tail, b"\xbf" * tail
    first, last = low[0], high[0]
    if low[1:] != smallest:
        yield from _split(low, bytes([first]) + largest)
        first += 1
    if high[1:] != largest:
        last -= 1
    if first <= last:
        yield ((first, last), *(((0x80, 0xBF),) * tail))
    if high[1:] != largest:
        yield from _split(bytes([high[0]]) + smallest, high)
