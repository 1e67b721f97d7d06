"""Confidence that answers state: read, taken out of the text, and made into weights.

A stated confidence says little of whether an answer is right, and one model's 90% is another's 60%.
What it is good for is to tell answers to one question apart (CISC, arXiv 2502.06233); so only its
ratio to the others' counts, and within bounds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

LEAST, MOST = 0.5, 1.5
"""Bounds of what a stated confidence does to a weight."""

# A bare whole number is not read: 8 may be of ten or of a hundred.
_SHARE = r"(?P<share>[01]?\.\d+)(?![\d%/])"
_PERCENT = r"(?P<percent>\d{1,3}(?:\.\d+)?)\s?(?:%|percent\b|/\s?100\b)"
_TENTHS = r"(?P<tenths>\d{1,2}(?:\.\d+)?)\s?/\s?10\b"
_STATEMENT = re.compile(
    r"\b(?:my )?confidence\b(?:[ \t]{1,4}(?:level|score))?[\s*_]{0,4}(?:is|of|:|=)[\s*_]{0,4}"
    rf"(?:{_PERCENT}|{_TENTHS}|{_SHARE})[*_.)]*",
    re.IGNORECASE,
)


def stated(text: str) -> float | None:
    """The last confidence that a text states, 0 to 1; None where it states none that is clear.

    `Confidence: 85%`, `confidence is 0.85`, `Confidence: 8/10`, `confidence = 85/100`.
    """
    found = list(_STATEMENT.finditer(text))
    if not found:
        return None
    last = found[-1]
    for name, whole in (("percent", 100.0), ("tenths", 10.0), ("share", 1.0)):
        if last[name] is not None:
            value = float(last[name]) / whole
            return value if value <= 1.0 else None
    return None


def without_statement(text: str) -> str:
    """A text without what it states of its confidence, so that no number in it is an answer."""
    return _STATEMENT.sub("", text).strip()


def factors(texts: Sequence[str]) -> list[float]:
    """What each text's weight is multiplied by: its stated confidence's ratio to the mean.

    Whoever states none counts as if by the mean.
    """
    values = [stated(text) for text in texts]
    known = [value for value in values if value is not None]
    mean = math.fsum(known) / len(known) if known else 0.0
    if mean == 0.0:
        return [1.0] * len(texts)
    return [1.0 if value is None else max(LEAST, min(MOST, value / mean)) for value in values]
