"""Shows a run on standard error while it goes on: panes on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from council.cli.deliberation import ranking_line, round_outcome, votes_line
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
    RoundFinished,
    RoundStarted,
    StrategyRanked,
    StrategyStandIn,
    StrategyTallied,
    ToolCalled,
    ToolReturned,
)

_NARROW = 50
_SCREENFUL = 20_000
_BRIEF = 120


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
            case ToolCalled():
                self._flush(seat(event))
                self._line(seat(event), f"(calls {event.name} {_brief(event.arguments)})")
            case ToolReturned():
                self._line(seat(event), f"({_returned(event)}: {_brief(event.result)})")
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
    """A table that fills while the experts write, for terminals.

    Each round of a debate keeps a row; the experts' rows are those of the round that goes on.
    """

    def __init__(self, console: Console) -> None:
        self._texts: dict[str, str] = {}
        self._states: dict[str, tuple[str, str]] = {}
        self._rounds: dict[str, tuple[str, str]] = {}
        self._ballots: dict[str, str] = {}
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
                # Earlier rounds leave their room to the new one.
                self._texts, self._states = {}, {}
                asked = "each sees the others' answers" if event.round else "each for itself"
                self._rounds[f"round {event.round}"] = (asked, "yellow")
            case RoundFinished():
                self._rounds[f"round {event.round}"] = (self._outcome(event), "green")
            case Convergence():
                outcome, colour = self._rounds[f"round {event.round}"]
                self._rounds[f"round {event.round}"] = (f"{outcome}; agreed", colour)
            case StrategyTallied():
                self._ballots["votes"] = votes_line(event.votes)
            case StrategyRanked():
                self._ballots["ranking"] = ranking_line(event.ranking).partition(": ")[2]
            case _:
                self._show_expert(event)

    def _show_expert(self, event: Event) -> None:
        match event:
            case ExpertStarted():
                self._states[seat(event)] = ("waiting", "yellow")
            case ExpertNotice():
                self._states[seat(event)] = (event.message, "yellow")
            case ToolCalled():
                # What was written before a call is no answer.
                self._texts.pop(seat(event), None)
                self._states[seat(event)] = (f"calls {event.name}", "yellow")
            case ToolReturned():
                self._states[seat(event)] = (_returned(event), "yellow")
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
        """The rounds, the experts as they stand, and what was counted: one row each."""
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True, style="bold")
        table.add_column(ratio=1)
        # Copies: rich draws from a thread of its own.
        for name, said in list(self._rounds.items()):
            table.add_row(name, _on_one_line(*said))
        for name, (state, colour) in list(self._states.items()):
            text = Text(self._tail(harmless(self._texts.get(name, "")).strip()))
            ending = (harmless(state), colour)
            table.add_row(name, Text.assemble(text, "\n" if text.plain else "", ending))
        for name, counted in list(self._ballots.items()):
            table.add_row(name, _on_one_line(counted, "green"))
        return table

    def _outcome(self, event: RoundFinished) -> str:
        outcome = round_outcome(event.round, event.positions, event.flips, event.similarity)
        failed = sum(colour == "red" for _, colour in self._states.values())
        return outcome.partition(": ")[2] + (f"; {failed} failed" if failed else "")

    def _tail(self, text: str) -> str:
        # More than the terminal's height cannot be redrawn: each pane shows its latest lines.
        free = self._console.height - 2 - len(self._rounds) - len(self._ballots)
        rows = max(2, free // max(1, len(self._states)) - 2)
        characters = rows * max(20, self._console.width - 14)
        lines = text[-characters:].splitlines()
        return "\n".join(lines[-rows:])


def _on_one_line(text: str, colour: str) -> Text:
    return Text(harmless(text), style=colour, no_wrap=True, overflow="ellipsis")


def _returned(event: ToolReturned) -> str:
    ended = "failed" if event.failed else "returned"
    return f"{event.name} {ended} after {event.seconds:.1f} s"


def _brief(text: str) -> str:
    """A text on a line of its own."""
    line = " ".join(text.split())
    return line if len(line) <= _BRIEF else f"{line[:_BRIEF]}…"


ExpertEvent = (
    ExpertStarted
    | ExpertNotice
    | ToolCalled
    | ToolReturned
    | ExpertToken
    | ExpertFinished
    | ExpertFailed
    | ExpertCancelled
)


def seat(event: ExpertEvent) -> str:
    """The name under which an event's expert is shown; the writer of the answer has its own."""
    if isinstance(event, ExpertFinished | ExpertFailed | ExpertCancelled):
        stage = event.reply.stage
    else:
        stage = event.stage
    name = event.expert if event.sample == 0 else f"{event.expert}#{event.sample + 1}"
    return name if stage == "answer" else f"{name} ({stage})"
