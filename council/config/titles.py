"""What a panel file says of itself: its first line of comment."""

from __future__ import annotations

from pathlib import Path

_MOST_BYTES = 4096


def title_of(path: Path) -> str:
    """The first line of the comment a file begins with; empty where there is none."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return ""
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            return ""
        if title := line.strip().lstrip("#").strip():
            return title
    return ""
