"""Grammars of JSON numbers."""

from __future__ import annotations

from collections.abc import Iterator

DIGITS = 16
"""Most digits before and after the point: a number has to end at some time."""
_LARGEST = int("9" * DIGITS)

INTEGER = f'"-"? ("0" | [1-9] [0-9]{{0,{DIGITS - 1}}})'
NUMBER = f'{INTEGER} ("." [0-9]{{1,{DIGITS}}})? ([eE] [-+]? [0-9]{{1,2}})?'


def integers(low: int | None, high: int | None) -> str:
    """A grammar of the whole numbers from ``low`` to ``high``; "" when there are none.

    An open end is taken to have as many digits as the other one, and ``DIGITS`` at least.
    """
    bottom = low if low is not None else -_far(high)
    top = high if high is not None else _far(low)
    parts = []
    if bottom < 0 <= top - bottom:
        parts += [f'"-" {digits}' for digits in _spans(max(1, -top), -bottom)]
    if top >= max(bottom, 0):
        parts += _spans(max(0, bottom), top)
    return " | ".join(parts)


def numbers(low: int | None, high: int | None, *, above: bool, below: bool) -> str:
    """A grammar of the decimal numbers between two whole ones; "" when there are none.

    Args:
        low: The smallest; None for as small as can be.
        high: The largest; None for as large as can be.
        above: Whether ``low`` itself is none of them.
        below: Whether ``high`` itself is none of them.
    """
    bottom = low if low is not None else -_far(high)
    top = high if high is not None else _far(low)
    parts = []
    if bottom < 0:
        parts += [f'"-" {part}' for part in _positive(max(0, -top), -bottom, below, above)]
    if top > 0:
        parts += _positive(max(0, bottom), top, above and bottom >= 0, below)
    elif top == 0 and not below:
        parts += ['"0" ("." "0"{1,16})?']
    return " | ".join(parts)


def _far(bound: int | None) -> int:
    return _LARGEST if bound is None else max(_LARGEST, 10 * abs(bound))


def _positive(low: int, high: int, above: bool, below: bool) -> Iterator[str]:
    """Decimal numbers from ``low`` to ``high``, neither of which is negative."""
    some = f'"." [0-9]{{1,{DIGITS}}}'
    if low == high:
        if not above and not below:
            yield f'"{low}" ("." "0"{{1,{DIGITS}}})?'
        return
    if above:
        yield f'"{low}." "0"{{0,{DIGITS - 2}}} [1-9]'
    for span in _spans(low + above, high - 1):
        yield f"{span} ({some})?"
    if not below:
        yield f'"{high}" ("." "0"{{1,{DIGITS}}})?'


def _spans(low: int, high: int) -> Iterator[str]:
    """Sequences that together are the numbers from ``low`` to ``high``, neither negative."""
    while low <= high:
        # As far as numbers have equally many digits.
        end = min(high, 10 ** len(str(low)) - 1)
        yield from _alike(str(low), str(end))
        low = end + 1


def _alike(low: str, high: str) -> Iterator[str]:
    """As ``_spans``, for numbers of the same length, which may begin with 0."""
    if not low:
        yield '""'
    elif low[0] == high[0]:
        for rest in _alike(low[1:], high[1:]):
            yield f'"{low[0]}" {rest}'
    else:
        yield from _unlike(low, high)


def _unlike(low: str, high: str) -> Iterator[str]:
    rest = len(low) - 1
    first, last = int(low[0]), int(high[0])
    if low[1:] != "0" * rest:
        yield from _alike(low, low[0] + "9" * rest)
        first += 1
    if high[1:] != "9" * rest:
        last -= 1
    if first <= last:
        yield f"[{first}-{last}]" + (f" [0-9]{{{rest}}}" if rest else "")
    if high[1:] != "9" * rest:
        yield from _alike(high[0] + "0" * rest, high)
