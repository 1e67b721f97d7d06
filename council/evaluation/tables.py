"""Tables of Markdown, and numbers as they stand in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from council.evaluation.statistics import Interval

NOTHING = "–"
"""A cell without a value."""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the first column stands left, numbers right."""
    rule = ["---", *("---:" for _ in heads[1:])]
    return "\n".join(_line(cells) for cells in (heads, rule, *rows))


def flat(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())


def percent(interval: Interval | None, *, signed: bool = False) -> tuple[str, str]:
    """A share and its interval in percent, or in points with a sign."""
    if interval is None:
        return NOTHING, NOTHING
    form = "{:+.1f}" if signed else "{:.1f}"
    value, low, high = (
        # A zero has no sign.
        form.format(100 * share).replace("-0.0", "0.0").replace("+0.0", "0.0")
        for share in (interval.value, interval.low, interval.high)
    )
    return f"{value}" if signed else f"{value}%", f"{low} to {high}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(flat(cell).replace('|', chr(92) + '|') for cell in cells)} |"
