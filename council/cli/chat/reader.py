"""Where a chat's questions come from: what all sources have in common, and plain lines."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Protocol

import anyio

from council.cli.chat.pieces import prompt
from council.cli.chat.spoken import CONTINUED

PROMPT = "> "
GOES_ON = "… "
_PIECE = 65_536


class Interrupted(Exception):
    """Ctrl-C where nothing was written that it could have thrown away."""


class Reader(Protocol):
    """Gives one question or command after the other."""

    @property
    def interactive(self) -> bool:
        """Whether a person is there to say more."""
        ...

    async def read(self) -> str | None:
        """What is said next; None at the end.

        Raises:
            Interrupted: Ctrl-C at the empty prompt.
        """
        ...


class LineReader:
    """Lines of standard input, as they come; for pipes, files and terminals that can do no more.

    No thread waits for them: one that is left behind would keep the process from ending.

    Args:
        descriptor: What to read.
        interactive: Whether it is a terminal, to which a prompt is shown.
    """

    def __init__(self, descriptor: int | None, *, interactive: bool) -> None:
        self.interactive = interactive
        self._descriptor = descriptor
        self._read = b""
        self._at_end = descriptor is None

    async def read(self) -> str | None:
        """The next line, with those that it is continued in; None at the end."""
        lines: list[str] = []
        while (line := await self._line(GOES_ON if lines else PROMPT)) is not None:
            if not line.endswith(CONTINUED):
                return "\n".join([*lines, line])
            lines.append(line.removesuffix(CONTINUED))
        if self.interactive:
            prompt("\n")  # Ctrl-D ends no line
        return "\n".join(lines) if lines else None

    async def _line(self, shown: str) -> str | None:
        if self.interactive:
            prompt(shown)
        while b"\n" not in self._read and not self._at_end:
            await self._more()
        if not self._read:
            return None
        line, _, self._read = self._read.partition(b"\n")
        return line.removesuffix(b"\r").decode("utf-8", "replace")

    async def _more(self) -> None:
        if self._descriptor is None:
            return
        with suppress(OSError):  # of a file, which never has to be waited for
            await anyio.wait_readable(self._descriptor)
        piece = os.read(self._descriptor, _PIECE)
        self._read += piece
        self._at_end = not piece


def standard_input(*, interactive: bool) -> LineReader:
    """The lines of standard input; none where it was closed before the program began."""
    descriptor = None if sys.stdin is None else sys.stdin.fileno()
    return LineReader(descriptor, interactive=interactive)
