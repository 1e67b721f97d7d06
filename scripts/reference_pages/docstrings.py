"""What docstrings say, as Markdown: Google's sections are read, everything else is text."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields|Example|Examples):$", re.MULTILINE)
_ENTRY = re.compile(r"^ {4}(\*{0,2}[\w.]+)(?: \([^)]*\))?: ?(.*)$")


@dataclass
class Doc:
    """A docstring in parts.

    Attributes:
        text: What stands before the sections.
        entries: Of each section with entries: names and what is said of them.
        prose: Of each other section: its text.
    """

    text: str = ""
    entries: dict[str, dict[str, str]] = field(default_factory=dict)
    prose: dict[str, str] = field(default_factory=dict)


def doc_of(thing: object) -> Doc:
    """The docstring of a class or function; empty for one without."""
    return parsed(inspect.cleandoc(getattr(thing, "__doc__", None) or ""))


def parsed(text: str) -> Doc:
    """A docstring that is no longer indented."""
    head, *rest = _SECTION.split(text)
    found = Doc(head.strip())
    for name, body in zip(rest[::2], rest[1::2], strict=True):
        if name in ("Args", "Attributes", "Raises"):
            found.entries[name] = _entries(body)
        else:
            found.prose[name] = inspect.cleandoc(body.strip("\n"))
    return found


def _entries(body: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in body.splitlines():
        if (entry := _ENTRY.match(line)) is not None:
            name = entry[1]
            found[name] = entry[2]
        elif name and line.strip():
            found[name] += f" {line.strip()}"
    return found


def attributes(kind: type) -> dict[str, str]:
    """What the docstrings of a class and of those it inherits from say of its attributes."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        # A class without a docstring has none of its own, whatever `__doc__` inherits.
        if base.__module__.startswith("council") and "__doc__" in vars(base):
            found |= doc_of(base).entries.get("Attributes", {})
    return found


def summary(thing: object) -> str:
    """The first paragraph, in one line."""
    return " ".join(doc_of(thing).text.split("\n\n")[0].split())


def paragraphs(text: str) -> str:
    """Text as Markdown, in which an indented block is code."""
    blocks = re.split(r"\n{2,}", text.strip("\n"))
    return "\n\n".join(
        f"```text\n{inspect.cleandoc(block)}\n```" if block.startswith("    ") else block
        for block in blocks
    )


def row(*cells: str) -> str:
    """A table's row."""
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table; empty where it has no rows."""
    if not rows:
        return ""
    return "\n".join([row(*head), "|" + "---|" * len(head), *(row(*cells) for cells in rows)])
