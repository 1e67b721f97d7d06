"""The terminal's other screen, on which only what has changed is written.

What was on the terminal before comes back afterwards, and a change of its size disturbs nothing:
terminals do not wrap the other screen's lines anew.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from threading import RLock

from rich.console import Console

from council.cli.view.cells import colours_of, encoded, is_certain, width_of
from council.cli.view.drawing import Line

# Other screen, no cursor, long lines are cut and not wrapped.
_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
# Emptied first, for terminals that have no other screen.
_LEAVE = "\x1b[H\x1b[2J\x1b[?7h\x1b[?25h\x1b[?1049l"
# Between the two a terminal that knows them shows nothing half done.
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
_ERASE = "\x1b[2K"
# Away from the last row: a line feed that somebody types there would move all others up.
_PARK = "\x1b[H"


class Screen:
    """Paints whole pictures; safe to be used from several threads.

    Args:
        console: Where to; only its file, its size and its colours are used.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._colours = colours_of(console)
        self._lock = RLock()
        self._entered = False
        self._size = (0, 0)
        self._painted: list[str] = []

    @property
    def size(self) -> tuple[int, int]:
        """Width and height now, in cells: the terminal's own, else what the console says."""
        try:
            width, height = os.get_terminal_size(self._console.file.fileno())
        except (OSError, ValueError, AttributeError):
            width = height = 0
        return (width, height) if width and height else self._console.size

    def paint(self, lines: Sequence[Line], size: tuple[int, int]) -> None:
        """Shows a picture that was drawn for that size."""
        with self._lock:
            begin = "" if self._entered else _ENTER
            if size != self._size:
                begin += "\x1b[2J"
                self._size, self._painted = size, []
            self._entered = True
            rows = [self._row(line, size[0]) for line in lines]
            rows += [""] * (len(self._painted) - len(rows))
            before = [*self._painted, *[""] * (len(rows) - len(self._painted))]
            changed = [
                f"\x1b[{number};1H" + (row or _ERASE)
                for number, (row, old) in enumerate(zip(rows, before, strict=True), start=1)
                if row != old
            ]
            self._painted = rows
            if begin or changed:
                self._write(_BEGIN + begin + "".join(changed) + _PARK + _END)

    def leave(self) -> None:
        """Gives the terminal back as it was; may be called more than once."""
        with self._lock:
            if self._entered:
                self._entered = False
                self._size = (0, 0)
                self._write(_LEAVE)

    @contextmanager
    def given_back(self) -> Generator[None, None, None]:
        """A block in which the terminal is as it was, and nobody paints."""
        with self._lock:
            self.leave()
            yield

    def print(self, lines: Sequence[Line]) -> None:
        """Writes lines where the cursor is, to stay."""
        rows = [self._encoded(line) for line in lines]
        self._write("".join(f"{row}\n" for row in rows))

    def _row(self, line: Line, width: int) -> str:
        row = self._encoded(line)
        if not is_certain(line):
            # A terminal that takes a text for narrower would keep old cells behind it.
            return _ERASE + row
        return row if width_of(line) >= width else row + "\x1b[K"

    def _encoded(self, line: Line) -> str:
        return encoded(line, self._colours, no_color=self._console.no_color)

    def _write(self, text: str) -> None:
        encoding = getattr(self._console.file, "encoding", None) or "utf-8"
        text = text.encode(encoding, "replace").decode(encoding)
        with suppress(OSError, ValueError):  # the terminal is gone: the run goes on without it
            self._console.file.write(text)
            self._console.file.flush()
