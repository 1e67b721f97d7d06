"""What reaches a terminal, read back by a terminal's emulation."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable

import pyte
import pytest
from rich.console import Console
from rich.segment import Segment

from council.cli.view import LiveView
from council.cli.view.cells import encoded
from council.cli.view.drawing import Line
from council.cli.view.frame import Frame
from council.cli.view.screen import Screen
from council.events import Event
from tests.support.boards import began, board_of, failed, finished, plain_console, written

LOOK_ELSEWHERE = "\x1b[?1049h"
LOOK_BACK = "\x1b[?1049l"


class Seen(io.StringIO):
    """A terminal that shows what is written to it; waits for what is yet to be written."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__()
        self.emulated = pyte.Screen(width, height)
        self.changed = threading.Condition()
        self._stream = pyte.Stream(self.emulated)

    def write(self, text: str) -> int:
        with self.changed:
            self._stream.feed(text)
            self.changed.notify_all()
            return super().write(text)

    @property
    def rows(self) -> list[str]:
        """The lines on it."""
        return [line.rstrip() for line in self.emulated.display]

    def wait(self, condition: Callable[[], bool]) -> None:
        """Until it is so, as the bytes arrive."""
        with self.changed:
            assert self.changed.wait_for(condition, timeout=100), "\n".join(self.rows)


def lines_of(*rows: str) -> list[Line]:
    return [[Segment(row)] for row in rows]


def screen_on(width: int, height: int) -> tuple[Seen, Screen]:
    seen = Seen(width, height)
    console = Console(file=seen, force_terminal=True, width=width, height=height)
    return seen, Screen(console)


def test_only_what_has_changed_is_written() -> None:
    seen, screen = screen_on(20, 5)
    screen.paint(lines_of("one", "two", "three"), (20, 5))
    assert seen.rows == ["one", "two", "three", "", ""]
    before = len(seen.getvalue())
    screen.paint(lines_of("one", "2", "three"), (20, 5))
    assert seen.rows == ["one", "2", "three", "", ""]
    written = seen.getvalue()[before:]
    assert "one" not in written
    assert "three" not in written
    screen.paint(lines_of("one", "2"), (20, 5))
    assert seen.rows == ["one", "2", "", "", ""]
    before = len(seen.getvalue())
    screen.paint(lines_of("one", "2"), (20, 5))
    assert len(seen.getvalue()) == before


def test_another_size_is_painted_anew() -> None:
    seen, screen = screen_on(40, 6)
    screen.paint(lines_of("x" * 40, "y" * 40), (40, 6))
    seen.emulated.resize(4, 20)
    screen.paint(lines_of("x" * 20, "z"), (20, 4))
    assert seen.rows == ["x" * 20, "z", "", ""]


def test_the_terminal_is_given_back_once() -> None:
    seen, screen = screen_on(20, 5)
    screen.leave()
    assert seen.getvalue() == ""
    screen.paint(lines_of("one"), (20, 5))
    screen.leave()
    screen.leave()
    screen.paint(lines_of("one"), (20, 5))
    screen.leave()
    sent = seen.getvalue()
    for on, off in (
        (LOOK_ELSEWHERE, LOOK_BACK),
        ("\x1b[?25l", "\x1b[?25h"),
        ("\x1b[?7l", "\x1b[?7h"),
    ):
        assert sent.count(on) == sent.count(off) == 2
        assert sent.rindex(on) < sent.rindex(off)


@pytest.mark.parametrize("width", [1, 2])
def test_borders_hold_where_a_terminal_takes_a_text_for_wider_or_narrower(width: int) -> None:
    # A family is two cells to us, eight to a terminal that joins nothing, one to another.
    text = "👩‍👩‍👧‍👦" if width == 2 else "e\u0301\u1ab0"
    seen, screen = screen_on(40, 3)
    for shown in ("plain text", text, "plain text"):
        line = [
            Segment("│ "),
            Segment(f"{shown:<10}"),
            Segment(" ││ "),
            Segment("beside"),
            Segment(" │"),
        ]
        screen.paint([line], (40, 3))
        borders = [
            at
            for at, sign in enumerate(seen.emulated.buffer[0][x].data for x in range(40))
            if sign == "│"
        ]
        assert len(borders) == 4
    assert seen.rows[0] == "│ plain text ││ beside │"


def test_a_run_from_right_to_left_ends_before_the_border() -> None:
    line = [Segment("│ "), Segment("שלום"), Segment("   "), Segment(" │")]
    assert encoded(line, None, no_color=False).startswith("│ שלום\u200e\x1b[7G")


@pytest.mark.parametrize("no_color", [True, False])
def test_no_color_is_respected(no_color: bool) -> None:
    seen = Seen(60, 8)
    console = Console(
        file=seen,
        force_terminal=True,
        width=60,
        height=8,
        color_system="standard",
        no_color=no_color,
    )
    events: list[Event] = [began("ada", "bob"), written("ada", "It is"), failed("bob", "", "cut")]
    lines = Frame(console).live(board_of(events).shown(), 60, 8, 0.0)
    Screen(console).paint(lines, (60, 8))
    colours = {cell.fg for row in seen.emulated.buffer.values() for cell in row.values()}
    assert (colours == {"default"}) == no_color


def test_ascii_terminals_get_ascii() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console = Console(file=file, force_terminal=True, width=60, height=8, color_system=None)
    screen = Screen(console)
    events: list[Event] = [began("ada", "bob"), written("ada", "日本語"), failed("bob", "", "cut")]
    lines = Frame(console).live(board_of(events).shown(), 60, 8, 0.0)
    screen.paint(lines, (60, 8))
    file.seek(0)
    shown = file.read()
    assert "+- ada qwen3:4b ---" in shown
    assert "| ???" in shown


def watched(seen: Seen, width: int, height: int) -> LiveView:
    console = Console(file=seen, force_terminal=True, width=width, height=height)
    return LiveView(console)


def test_panes_are_painted_by_a_clock_and_not_by_the_token() -> None:
    seen = Seen(80, 24)
    tokens = 20_000
    events: list[Event] = [began("ada", "bob")]
    with watched(seen, 80, 24) as view:
        for event in events:
            view.show(event)
        for number in range(tokens):
            view.show(written("ada", f"word-{number} ", at=1 + number / 1000))
        seen.wait(lambda: any(f"word-{tokens - 1}" in row for row in seen.rows))
        assert seen.rows[1].startswith("╭─ ada qwen3:4b")
        view.show(written("bob", "and me"))
        seen.wait(lambda: any("and me" in row for row in seen.rows))
    assert seen.getvalue().count("\x1b[?2026h") < tokens / 10


def test_a_run_that_is_over_at_once_changes_no_screen(capsys: pytest.CaptureFixture[str]) -> None:
    seen = Seen(80, 24)
    view = watched(seen, 80, 24)
    view.show(began("ada"))
    view.show(finished("ada", "42"))
    view.close()
    assert seen.getvalue() == ""


def test_what_others_say_meanwhile_is_shown_and_then_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = Seen(80, 24)
    monkeypatch.setattr(sys, "stderr", seen)
    with watched(seen, 80, 24) as view:
        view.show(began("ada"))
        print("the store: disk full", file=sys.stderr)  # noqa: T201
        seen.wait(lambda: any(row.strip() == "note  the store: disk full" for row in seen.rows))
        assert "the store: disk full\n" not in seen.getvalue()
    assert sys.stderr is seen
    after = seen.getvalue().rpartition(LOOK_BACK)[2]
    assert after.startswith("the store: disk full\n")


class Gone(io.StringIO):
    """A terminal whose connection was cut."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def test_a_terminal_that_has_gone_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    view = LiveView(Console(file=Gone(), force_terminal=True, width=80, height=24))
    console = plain_console(80, 24)
    with view:
        view.show(began("ada"))
        view.show(finished("ada", "42"))
    console.print(view.picture())
    assert isinstance(console.file, io.StringIO)
    assert "42" in console.file.getvalue()
