"""What a chat shows of a run: its progress, its answer, and what must not go unsaid."""

from __future__ import annotations

import os
import select
import sys

from council.cli.chat.pieces import piece
from council.cli.deliberation import deliberation_lines
from council.cli.exit_codes import FAILED, OK, of_error
from council.cli.printed import print_answer
from council.cli.summary import partial_lines, summary_lines
from council.cli.terminal import say
from council.cli.view import SilentView, View, make_view
from council.events import Event, ExpertNotice, ExpertToken
from council.result import Result

_INTERRUPTED = "interrupted"
_IN_WHY = "dissent: "


class Screen:
    """Standard output for answers, standard error for all else.

    Args:
        quiet: Show no progress and no summary.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._view: View = SilentView()
        self._output = _output()

    def view(self, *, alone: bool) -> View:
        """The view of the next run.

        Args:
            alone: One model alone is asked, so what it writes is the answer.
        """
        typed = alone and sys.stdout is not None and sys.stdout.isatty()
        self._view = TypedView() if typed else make_view(quiet=self._quiet, brief=True)
        return self._view

    @property
    def unread(self) -> bool:
        """Whether nobody can get another answer: the reader of a pipe has gone, a disk is full."""
        # What cannot be written to is put aside for good, see `terminal.py`.
        return _output() != self._output or _reader_has_gone()

    def close(self) -> None:
        """Leaves the terminal in order before something else is shown."""
        self._view.close()

    def show(self, result: Result) -> int:
        """Prints what a run came to; returns the exit code that says so."""
        self.close()
        if result.error is not None and result.error.kind == _INTERRUPTED:
            self._show_partial(result)
            return FAILED
        code = OK if result.error is None else of_error(result.error.kind)
        if result.answer is not None and not self._has_typed(result.answer):
            code = code if _printed(result, result.answer) else _lost()
        for line in self._remarks(result):
            say(line)
        return code

    def _has_typed(self, text: str) -> bool:
        """Whether an answer stands on the terminal already."""
        return isinstance(self._view, TypedView) and self._view.text.strip() == text.strip()

    def _show_partial(self, result: Result) -> None:
        if isinstance(self._view, TypedView) and self._view.text:
            say("interrupted")
            return
        for line in partial_lines(result):
            say(line)

    def _remarks(self, result: Result) -> list[str]:
        """The summary without what `/why` tells."""
        if self._quiet:
            return summary_lines(result, brief=True)
        told = deliberation_lines(result)
        lines = summary_lines(result)
        return [line for line in lines if line not in told and not line.startswith(_IN_WHY)]


class TypedView(SilentView):
    """The answer as it is written; for one model alone, whose words are the answer.

    Attributes:
        text: What has been shown.
    """

    def __init__(self) -> None:
        self.text = ""
        self._thinking = False

    def show(self, event: Event) -> None:
        """Shows what has come."""
        if isinstance(event, ExpertNotice):
            say(f"({event.message})")
        elif isinstance(event, ExpertToken) and event.text:
            self.text += event.text
            piece(event.text)
        elif isinstance(event, ExpertToken) and event.reasoning and not self._thinking:
            self._thinking = True
            say("(thinking)")

    def close(self) -> None:
        """Ends the line."""
        if self.text and not self.text.endswith("\n"):
            self.text += "\n"
            piece("\n")


def _printed(result: Result, text: str) -> bool:
    return print_answer(text, as_it_is=result.parsed is not None)


def _output() -> tuple[int, int] | None:
    """What standard output is; None where it is nothing of the operating system's."""
    descriptor = _descriptor()
    if descriptor is None:
        return None
    state = os.fstat(descriptor)
    return state.st_dev, state.st_ino


def _reader_has_gone() -> bool:
    descriptor = _descriptor()
    if descriptor is None:
        return False
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(flags & select.POLLERR for _, flags in poll.poll(0))


def _descriptor() -> int | None:
    try:
        return None if sys.stdout is None else sys.stdout.fileno()
    except OSError:  # a program has put something else in its place
        return None


def _lost() -> int:
    say("council: error: standard output cannot be written to")
    return FAILED
