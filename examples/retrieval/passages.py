"""Cuts Markdown documents into passages: what is found, shown and cited."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LONGEST = 800
"""Characters. A longer section is cut between its paragraphs; a longer paragraph stays whole."""

_HEADING = re.compile(r"#{1,6}\s+(.*?)[\s#]*")
_FENCE = re.compile(r"\s*(```|~~~)")
# A footnote's mark would read as a citation.
_MARKS = re.compile(r"\s*\[\d+\]")


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document.

    Attributes:
        file: The document, relative to the folder of documents.
        line: Where the piece begins, from 1.
        heading: What stands above it; the document's name where nothing does.
        text: The piece on one line.
    """

    file: str
    line: int
    heading: str
    text: str

    @property
    def place(self) -> str:
        """Where it stands, as editors read it."""
        return f"{self.file}:{self.line}"


def read_folder(folder: Path) -> list[Passage]:
    """The passages of all `*.md` files in a folder and the folders in it.

    Raises:
        ValueError: A file is no UTF-8 text.
        OSError: A file cannot be read.
    """
    found: list[Passage] = []
    for path in sorted(folder.rglob("*.md")):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is no UTF-8 text: {error.reason}") from None
        found += cut(text, path.relative_to(folder).as_posix())
    return found


def cut(text: str, file: str) -> Iterator[Passage]:
    """The passages of one document."""
    heading, first, size = file.removesuffix(".md"), 0, 0
    held: list[str] = []
    for line, paragraph, is_heading in _paragraphs(text):
        if held and (is_heading or size + len(paragraph) > LONGEST):
            yield Passage(file, first, heading, " ".join(held))
            held, size = [], 0
        if is_heading:
            heading = paragraph
            continue
        first = first if held else line
        held.append(paragraph)
        size += len(paragraph)
    if held:
        yield Passage(file, first, heading, " ".join(held))


def _paragraphs(text: str) -> Iterator[tuple[int, str, bool]]:
    """Each paragraph's first line, its text on one line, and whether it is a heading."""
    held: list[str] = []
    first, fenced = 0, False
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        fenced ^= bool(_FENCE.match(line))
        heading = None if fenced else _HEADING.fullmatch(line)
        if held and (heading or not line.strip()):
            yield first, _plain(" ".join(held)), False
            held = []
        if heading:
            yield number, _plain(heading[1]), True
        elif line.strip():
            first = first if held else number
            held.append(line)
    if held:
        yield first, _plain(" ".join(held)), False


def _plain(text: str) -> str:
    return " ".join(_MARKS.sub("", text).split())
