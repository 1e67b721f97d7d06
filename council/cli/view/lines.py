"""A run in plain lines, for logs, pipes and terminals that can do no more."""

from __future__ import annotations

from council.cli.summary import reply_line
from council.cli.terminal import harmless, one_line, say
from council.cli.view.base import SilentView
from council.cli.view.seats import returned, seat
from council.events import (
    Convergence,
    Event,
    ExpertCancelled,
    ExpertFailed,
    ExpertFinished,
    ExpertNotice,
    ExpertToken,
    RoundStarted,
    StrategyStandIn,
    ToolCalled,
    ToolReturned,
)


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
                self._line(seat(event), f"(calls {event.name} {one_line(event.arguments)})")
            case ToolReturned():
                self._line(seat(event), f"({returned(event)}: {one_line(event.result)})")
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
