"""Panes on a terminal that fill while the experts write."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from typing import Self, TextIO

from rich.console import Console

from council.cli.view.base import SilentView
from council.cli.view.board import Board, BoardShown
from council.cli.view.drawing import Line
from council.cli.view.frame import Frame, Picture
from council.cli.view.progress import Row
from council.cli.view.screen import Screen
from council.cli.view.suspension import given_back_when_suspended
from council.cli.view.tame import line_of
from council.events import Event
from council.prices import Price

_PER_SECOND = 12
_LOWEST = 20  # rows of what is left behind: a terminal that is lower can be scrolled
_PATIENCE = 0.25  # seconds: a run that is over by then changes no screen


class Aside(io.StringIO):
    """What others write to standard error while the screen is taken; `last` is their last line."""

    last = ""

    def write(self, text: str) -> int:
        """Keeps the text."""
        self.last = text.rstrip().rpartition("\n")[2] or self.last
        return super().write(text)


class LiveView(SilentView):
    """One pane for each reply, side by side on a screen of their own while the run goes on.

    Events only change values; a thread with a clock paints them, so that neither many tokens nor a
    terminal that takes its time hold up the run. What others write to standard error meanwhile is
    shown on a row, and printed when the screen is given back. A run that has ended leaves its panes
    behind.

    Args:
        console: The terminal.
        brief: Whether a line for each expert is enough to leave behind.
    """

    def __init__(self, console: Console, *, brief: bool = False) -> None:
        self._brief = brief
        self._board = Board()
        self._lock = threading.Lock()
        self._frame = Frame(console)
        self._screen = Screen(console)
        self._over = threading.Event()
        self._painter: threading.Thread | None = None
        self._began = time.monotonic()
        self._aside = Aside()
        self._stderr: TextIO | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._aside, self._stderr = Aside(), sys.stderr
        sys.stderr = self._aside
        self._open.enter_context(given_back_when_suspended(self._screen.given_back))
        self._painter = threading.Thread(target=self._paint, daemon=True)
        self._painter.start()
        return self

    def price(self, prices: Mapping[str, Price | None]) -> None:
        """Says what the tokens of each id cost."""
        self._board.prices = prices

    def show(self, event: Event) -> None:
        """Notes what changed; the terminal is painted by the clock, not by the token."""
        with self._lock:
            self._board.take(event)

    def close(self) -> None:
        """Gives the terminal back; a run that has ended leaves its panes there."""
        if self._painter is None:
            return
        self._over.set()
        self._painter.join()
        self._painter = None
        self._open.close()
        self._screen.leave()
        sys.stderr = self._stderr
        self._tell(self._aside.getvalue())
        if self._board.finished:
            # An empty line between them and the answer.
            self._screen.print([*self._last(), []])

    def picture(self, *, final: bool = False) -> Picture:
        """What there is to see now, or what would stay if this were the end."""
        return Picture(self._last() if final else self._now(self._screen.size))

    def _paint(self) -> None:
        wait = _PATIENCE
        while not self._over.wait(wait):
            wait = 1 / _PER_SECOND
            size = self._screen.size
            self._screen.paint(self._now(size), size)

    def _now(self, size: tuple[int, int]) -> list[Line]:
        return self._frame.live(self._shown(), *size, time.monotonic() - self._began)

    def _last(self) -> list[Line]:
        width, height = self._screen.size
        board = self._shown()
        if self._brief:
            return self._frame.brief(board, width)
        # The command line that began it and the summary have their place as well.
        return self._frame.final(board, width, max(_LOWEST, height - 2))

    def _shown(self) -> BoardShown:
        with self._lock:
            board = self._board.shown()
        said = self._aside.last
        return board.with_row(Row("note", line_of(said), "yellow", True)) if said else board

    def _tell(self, said: str) -> None:
        if said and self._stderr is not None:
            with suppress(OSError, ValueError):  # the terminal is gone
                self._stderr.write(said)
                self._stderr.flush()
