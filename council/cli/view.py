"""Shows a run on standard error while it goes on: panes on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from council.cli.summary import reply_line
from council.cli.terminal import harmless, say
from council.events import (
    Convergence,
    Event,
    ExpertCancelled,
    ExpertFailed,
    ExpertFinished,
    ExpertNotice,
    ExpertStarted,
    ExpertToken,
    RoundStarted,
    StrategyStandIn,
)

_NARROW = 50
_SCREENFUL = 20_000


class View(Protocol):
    """Takes the events of one run; a context manager around the time in which it shows them."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...

    def show(self, event: Event) -> None: ...

    def close(self) -> None:
        """Leaves the terminal in order; may be called more than once."""
        ...


def make_view(*, quiet: bool) -> View:
    """The view that fits where standard error leads."""
    if quiet:
        return SilentView()
    if sys.stderr is None:  # closed before the program began
        return SilentView()
    console = Console(stderr=True)
    dumb = os.environ.get("TERM") == "dumb"
    if sys.stderr.isatty() and not dumb and console.width >= _NARROW:
        return LiveView(console)
    return LineView()


class SilentView:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def show(self, event: Event) -> None:
        """Ignores the event."""

    def close(self) -> None:
        """Has nothing to close."""


class LineView(SilentView):
    """Whole lines, each with its expert's name: readable in a log where experts interleave."""

    def __init__(self) -> None:
        # In pieces: joining a line anew with each token would cost the square of its length.
        self._open: dict[str, list[str]] = {}

    def show(self, event: Event) -> None:
        """Prints what the event completes."""
        match event:
            case ExpertToken():
                self._take(seat(event), event.text)
            case ExpertNotice():
                self._line(seat(event), f"({event.message})")
            case ExpertFinished() | ExpertFailed() | ExpertCancelled():
                name = seat(event)
                self._flush(name)
                self._line(name, f"({reply_line(event.reply)})")
            case StrategyStandIn():
                self._line("council", f"({event.failed} failed, {event.stand_in} stands in)")
            case RoundStarted(round=number) if number:
                self._line("council", f"(round {number}: each sees the others' answers)")
            case Convergence():
                self._line("council", f"(the answers agree after round {event.round})")
            case _:
                pass

    def _take(self, name: str, text: str) -> None:
        *ends, rest = text.split("\n")
        for end in ends:
            self._line(name, "".join([*self._open.pop(name, []), end]))
        self._open.setdefault(name, []).append(rest)

    def _flush(self, name: str) -> None:
        rest = "".join(self._open.pop(name, []))
        if rest.strip():
            self._line(name, rest)

    def _line(self, name: str, text: str) -> None:
        say(f"{name:>8} | {harmless(text)}")


class LiveView(SilentView):
    """A table that fills while the experts write, for terminals."""

    def __init__(self, console: Console) -> None:
        self._texts: dict[str, str] = {}
        self._states: dict[str, tuple[str, str]] = {}
        self._console = console
        self._live = Live(
            console=console, refresh_per_second=12, get_renderable=self.table, transient=False
        )

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def show(self, event: Event) -> None:
        """Notes what changed; the terminal is redrawn by the clock, not by the token."""
        match event:
            case RoundStarted():
                # Earlier rounds keep their line of outcome and leave their room to the new one.
                self._texts.clear()
            case ExpertStarted():
                self._states[seat(event)] = ("waiting", "yellow")
            case ExpertNotice():
                self._states[seat(event)] = (event.message, "yellow")
            case ExpertToken():
                name = seat(event)
                # Only what can be on the screen at once.
                self._texts[name] = (self._texts.get(name, "") + event.text)[-_SCREENFUL:]
                self._states[name] = ("writing" if event.text else "thinking", "cyan")
            case ExpertFinished():
                self._states[seat(event)] = (reply_line(event.reply), "green")
            case ExpertFailed() | ExpertCancelled():
                self._states[seat(event)] = (reply_line(event.reply), "red")
            case _:
                pass

    def close(self) -> None:
        """Draws the table once more and gives the cursor back."""
        self._live.stop()

    def table(self) -> Table:
        """The experts as they stand, one row each."""
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True, style="bold")
        table.add_column(ratio=1)
        # A copy: rich draws from a thread of its own.
        for name, (state, colour) in list(self._states.items()):
            text = Text(self._tail(harmless(self._texts.get(name, "")).strip()))
            ending = (harmless(state), colour)
            table.add_row(name, Text.assemble(text, "\n" if text.plain else "", ending))
        return table

    def _tail(self, text: str) -> str:
        # More than the terminal's height cannot be redrawn: each pane shows its latest lines.
        rows = max(2, (self._console.height - 2) // max(1, len(self._states)) - 2)
        characters = rows * max(20, self._console.width - 14)
        lines = text[-characters:].splitlines()
        return "\n".join(lines[-rows:])


ExpertEvent = (
    ExpertStarted | ExpertNotice | ExpertToken | ExpertFinished | ExpertFailed | ExpertCancelled
)


def seat(event: ExpertEvent) -> str:
    """The name under which an event's expert is shown; the writer of the answer has its own."""
    if isinstance(event, ExpertFinished | ExpertFailed | ExpertCancelled):
        stage = event.reply.stage
    else:
        stage = event.stage
    name = event.expert if event.sample == 0 else f"{event.expert}#{event.sample + 1}"
    return name if stage == "answer" else f"{name} ({stage})"
