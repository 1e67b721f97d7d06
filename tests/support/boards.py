"""Events of runs made by hand, and what a view draws of them, without a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from rich.console import Console

from council.cli.view.board import Board
from council.cli.view.drawing import Line
from council.cli.view.frame import Frame
from council.events import (
    Event,
    ExpertFailed,
    ExpertFinished,
    ExpertInfo,
    ExpertStarted,
    ExpertToken,
    RunStarted,
)
from council.messages import Usage
from council.replies import Failure, Reply, Timings


def plain_console(width: int, height: int) -> Console:
    """A console that writes to nowhere, of that size."""
    return Console(file=io.StringIO(), width=width, height=height, color_system=None)


def began(*ids: str, samples: int = 1, question: str = "How many?") -> RunStarted:
    """A run of experts with these ids."""
    seats = tuple(ExpertInfo(id, "qwen3:4b", samples, 1.0, "qwen") for id in ids)
    return RunStarted(0.0, "run", question, "vote", seats, 0)


def asked(id: str, *, sample: int = 0, stage: str = "answer") -> ExpertStarted:
    """A request on its way."""
    return ExpertStarted(0.0, id, sample, "qwen3:4b", stage)


def written(
    id: str, text: str, *, sample: int = 0, stage: str = "answer", at: float = 1.0
) -> ExpertToken:
    """A token of text."""
    return ExpertToken(at, id, sample, stage, text, "")


def thought(id: str, text: str, *, at: float = 1.0) -> ExpertToken:
    """A token of thinking."""
    return ExpertToken(at, id, 0, "answer", "", text)


def reply(id: str, text: str, *, sample: int = 0, usage: Usage | None = None) -> Reply:
    """A whole reply, whose first token came after half a second of 2.5."""
    timings = Timings(0.5, 2.5)
    stage, usage = "answer", usage or Usage(10, 40)
    return Reply(id, "m", sample, stage, "complete", text, "", "stop", None, usage, timings)


def finished(id: str, text: str, *, sample: int = 0, usage: Usage | None = None) -> ExpertFinished:
    """The end of a whole reply."""
    return ExpertFinished(3.0, id, sample, reply(id, text, sample=sample, usage=usage))


def failed(id: str, text: str, cause: str) -> ExpertFailed:
    """The end of a reply that was cut."""
    error = Failure("stream", cause)
    timings = Timings(None, 0.3)
    lost = Reply(id, "m", 0, "answer", "failed", text, "", None, error, None, timings)
    return ExpertFailed(3.0, id, 0, lost)


def board_of(events: Iterable[Event]) -> Board:
    """What is known after these events."""
    board = Board()
    for event in events:
        board.take(event)
    return board


def drawn(events: Iterable[Event], width: int, height: int, seconds: float = 0.0) -> list[str]:
    """The lines of the picture after these events."""
    frame = Frame(plain_console(width, height))
    return texts(frame.live(board_of(events).shown(), width, height, seconds))


def texts(lines: Sequence[Line]) -> list[str]:
    """Lines of cells as text."""
    return ["".join(cell.text for cell in line) for line in lines]
