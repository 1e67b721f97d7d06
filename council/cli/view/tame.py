"""Texts of models made fit for a pane: nothing in them moves, reorders or paints outside of it."""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from council.cli.terminal import harmless

_BREAKS = re.compile("\r\n|[\x0b\x0c\x85\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")
# Embeddings, overrides and isolates would turn the borders round too.
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MARK = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
# More marks than any script stacks on a letter paint over the lines above and below.
_TOWER = re.compile(f"([{_MARK}]{{3}})[{_MARK}]+")
_TAB = 4


def tame(text: str) -> str:
    """A text without what would break a border, its lines kept."""
    text = _DIRECTIONS.sub("", _BREAKS.sub("\n", text))
    text = _TOWER.sub(r"\1", _SURROGATES.sub("\ufffd", harmless(text)))
    return text.expandtabs(_TAB)


def line_of(text: str) -> str:
    """A text on one line."""
    return " ".join(tame(text).split())


def last_words(text: str, width: int) -> str:
    """The end of a text on one line of so many cells."""
    if width <= 0:
        return ""
    line = line_of(text[-width * 4 :])
    if cell_len(line) <= width:
        return line
    line = line[-width:]
    while cell_len(line) >= width:
        line = line[1:]
    return f"…{line}"


def first_lines(console: Console, text: str, width: int, rows: int) -> list[str]:
    """The beginning of a text, wrapped at words to lines of so many cells."""
    if rows <= 0 or not text:
        return []
    lines = Text(line_of(text[: rows * width * 2])).wrap(console, width)
    return [line.plain.rstrip() for line in lines][:rows]


def last_lines(console: Console, text: str, width: int, rows: int) -> list[str]:
    """The end of a text, wrapped at words to lines of so many cells; the first one may be cut."""
    if rows <= 0 or not text:
        return []
    # So many characters fill the rows even if each is a cell wide.
    tail = tame(text[-rows * width * 2 :]).strip()
    lines = Text(tail).wrap(console, width) if tail else ()
    return [line.plain.rstrip() for line in lines][-rows:]
