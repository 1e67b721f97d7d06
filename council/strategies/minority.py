"""The part of a written answer that tells what was left out of it."""

from __future__ import annotations

import re

_REPORT = re.compile(r"(?:^|\n)[*_#> \t-]*dissent[*_]*:[*_]*\s*(.+)", re.IGNORECASE | re.DOTALL)


def minority_report(text: str) -> str:
    """What a writer says of positions it did not follow; "" where it says nothing, or only itself.

    Args:
        text: A whole answer.
    """
    match = _REPORT.search(text)
    said = match[1].strip() if match else ""
    return "" if said.casefold() == without_report(text).strip().casefold() else said


def without_report(text: str) -> str:
    """The answer itself.

    Args:
        text: A whole answer.
    """
    return _REPORT.sub("", text)
