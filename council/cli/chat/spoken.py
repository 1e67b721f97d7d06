"""What somebody said to a chat: a question, or a command."""

from __future__ import annotations

from dataclasses import dataclass

SLASH = "/"
CONTINUED = "\\"
"""At the end of a line: the question goes on in the next one."""


@dataclass(frozen=True, slots=True)
class Called:
    """A command: its name without the slash, and the rest of the line."""

    name: str
    argument: str


def understood(text: str) -> str | Called | None:
    """A question, a command, or None where nothing was said.

    A slash begins a command; a question that begins with one has two.
    """
    said = text.strip()
    if not said:
        return None
    if said.startswith(SLASH * 2):
        return said[1:]
    if not said.startswith(SLASH):
        return said
    name, _, argument = said[1:].partition(" ")
    return Called(name.strip().lower(), argument.strip())
