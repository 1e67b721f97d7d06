"""Read lists and small tables written as text, which keeps long ones compact."""

from __future__ import annotations


def words(text: str, mark: str | None = None) -> tuple[str, ...]:
    """Read a list written as text, which keeps long lists compact.

    Args:
        text: The entries.
        mark: What stands between two entries besides line ends; by default white space.

    Returns:
        The stripped entries; empty ones are left out.
    """
    parts = text.split(mark) if mark is None else text.replace("\n", mark).split(mark)
    return tuple(part.strip() for part in parts if part.strip())


def rows(text: str) -> tuple[tuple[str, ...], ...]:
    """Read a small table written as text.

    Args:
        text: Rows separated by semicolons or line ends, cells by colons.

    Returns:
        The stripped cells, row by row; empty rows are left out.
    """
    return tuple(words(row, ":") for row in words(text, ";"))
