"""The accuracies as a picture: SVG written by hand, with the same in words for those who listen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from itertools import count

from council.evaluation.statistics import Interval
from council.evaluation.summary import Row
from council.evaluation.tables import percent

_LEFT, _RIGHT, _TOP = 290, 150, 56
_BAR, _STEP = 18, 34
_SCALE = 440  # pixels from 0 to 100%
_COLOURS = {"panel": "#1b6ca8", "single": "#7c8a94", "expert": "#9db8cc", "baseline": "#c98b2b"}
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def plot(rows: Sequence[Row], title: str) -> str:
    """Bars with intervals, one for each row that has an accuracy.

    Args:
        rows: What to draw.
        title: Above it.
    """
    bars = [(row, row.accuracy) for row in rows if row.accuracy]
    width, bottom = _LEFT + _SCALE + _RIGHT, _TOP + _STEP * len(bars)
    height = bottom + 40
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
            f' width="{width}" height="{height}" role="img" aria-labelledby="title words"'
            ' font-family="sans-serif" font-size="13">',
            f'<title id="title">{_text(title)}</title>',
            f'<desc id="words">{_text(in_words(rows))}</desc>',
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            f'<text x="16" y="26" font-size="15" font-weight="bold">{_text(title)}</text>',
            *_axis(bottom),
            *(
                line
                for (row, share), y in zip(bars, count(_TOP, _STEP))
                for line in _bar(row, share, y)
            ),
            "</svg>\n",
        ]
    )


def in_words(rows: Sequence[Row]) -> str:
    """What the picture shows, as sentences."""
    sentences = ["Accuracy with 95% intervals."]
    for row in rows:
        if row.accuracy:
            share, bounds = percent(row.accuracy)
            sentences.append(f"{row.name}: {share} ({bounds}) of {row.questions} questions.")
    return " ".join(sentences)


def _axis(bottom: int) -> list[str]:
    lines = []
    for share in range(0, 101, 25):
        x = _x(share / 100)
        lines.append(f'<path d="M{x} {_TOP - 8}V{bottom}" stroke="#dddddd"/>')
        lines.append(
            f'<text x="{x}" y="{bottom + 20}" text-anchor="middle" fill="#555555">{share}%</text>'
        )
    return lines


def _bar(row: Row, share: Interval, y: int) -> list[str]:
    middle, low, high = y + _BAR / 2, _x(share.low), _x(share.high)
    value, bounds = percent(share)
    name = _text(_short(row.name))
    return [
        f'<text x="{_LEFT - 10}" y="{middle + 4}" text-anchor="end">{name}</text>',
        f'<rect x="{_LEFT}" y="{y}" width="{_x(share.value) - _LEFT:g}" height="{_BAR}"'
        f' fill="{_COLOURS[row.role]}"/>',
        f'<path d="M{low} {middle}H{high}M{low} {middle - 5}v10M{high} {middle - 5}v10"'
        ' stroke="#222222" stroke-width="1.5" fill="none"/>',
        f'<text x="{_LEFT + _SCALE + 12}" y="{middle + 4}">{value}'
        f' <tspan fill="#555555" font-size="11">{bounds}</tspan></text>',
    ]


def _x(share: float) -> float:
    return round(_LEFT + _SCALE * share, 1)


def _short(name: str, characters: int = 38) -> str:
    return name if len(name) <= characters else f"{name[: characters - 1]}…"


def _text(text: str) -> str:
    """Text as XML takes it."""
    return escape(_NOT_XML.sub("", text))
