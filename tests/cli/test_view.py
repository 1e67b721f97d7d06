"""What a person sees on standard error while a run goes on."""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import council
from council.agents.scripted import ScriptedAgent
from council.cli.summary import summary_lines
from council.cli.terminal import say
from council.cli.view import LineView, LiveView, SilentView, View, make_view
from council.errors import StreamError, TransportError
from council.messages import ChatToken, Notice

ROOT = Path(__file__).parents[2]


async def show(view: View, *panel: ScriptedAgent, strategy: str = "vote") -> None:
    async with (
        council.open_council(list(panel), strategy=strategy) as opened,
        opened.stream("How many?") as run,
    ):
        with view:
            async for event in run:
                view.show(event)


def panel() -> list[ScriptedAgent]:
    loading = ChatToken(notice=Notice("loading", "loading x: 50%"))
    return [
        ScriptedAgent("ada", [loading, "first line\nthe answer is 7"]),
        ScriptedAgent("bob", ["half ", StreamError("cut")]),
        ScriptedAgent("eve", "7"),
    ]


@pytest.mark.anyio
async def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    await show(LineView(), *panel())
    lines = capsys.readouterr().err.splitlines()
    own = [line.partition(" | ")[2] for line in lines if line.startswith("     ada |")]
    assert own[:3] == ["(loading x: 50%)", "first line", "the answer is 7"]
    assert own[3].startswith("(done: 6 tokens in ")
    assert "     bob | half" in [line.rstrip() for line in lines]
    assert "     bob | (failed: cut)" in lines


@pytest.mark.anyio
async def test_plain_lines_name_a_stand_in(capsys: pytest.CaptureFixture[str]) -> None:
    first = ScriptedAgent("ada", "7", TransportError("down"))
    await show(LineView(), first, ScriptedAgent("bob", "7"), strategy="synthesize")
    assert " council | (ada failed, bob stands in)" in capsys.readouterr().err.splitlines()


@pytest.mark.anyio
@pytest.mark.parametrize("width", [60, 200])
async def test_a_terminal(width: int) -> None:
    out = io.StringIO()
    view = LiveView(Console(file=out, width=width, height=30, force_terminal=True))
    await show(view, *panel())
    view.close()
    text = re.sub("\x1b\\[[0-9;]*m", "", out.getvalue())
    for expected in ("ada", "the answer is 7", "✗ failed", "cut", "✓ done · 1 tok", "7 by ada eve"):
        assert expected in text
    # The cursor comes back.
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h")


@pytest.mark.anyio
async def test_a_long_answer_stays_within_the_terminals_height() -> None:
    console = Console(file=io.StringIO(), width=60, height=12, force_terminal=True)
    view = LiveView(console)
    await show(
        view, ScriptedAgent("ada", "word\n" * 500 + "last"), ScriptedAgent("bob", "x" * 9000)
    )
    with console.capture() as capture:
        console.print(view.picture())
    assert len(capture.get().splitlines()) <= 12
    assert "last" in capture.get()


def test_which_view_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert type(make_view(quiet=True)) is SilentView
    # Under pytest standard error is no terminal.
    assert type(make_view(quiet=False)) is LineView


@pytest.mark.parametrize(("term", "live"), [("xterm-256color", True), ("dumb", False)])
def test_in_a_real_terminal(term: str, live: bool) -> None:
    primary, secondary = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "CI")}
    process = subprocess.Popen(
        [sys.executable, "-m", "council.cli", "run", "configs/panel.yaml", "What is 17 + 25?"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=secondary,
        text=True,
        cwd=ROOT,
        env={**env, "TERM": term, "COLUMNS": "100", "LINES": "30"},
    )
    os.close(secondary)
    shown = _read_all(primary)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "42" in out
    assert "\x1b" not in out
    assert "abacus" in shown
    assert ("\x1b[?25l" in shown) == live
    assert ("| " in shown) != live


def test_an_interrupt_in_a_terminal_gives_the_cursor_back() -> None:
    primary, secondary = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "council.cli", "run", "configs/panel.yaml", "What is 17 + 25?"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=secondary,
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
    )
    os.close(secondary)
    shown = ""
    while "starting" not in shown:
        shown += os.read(primary, 4096).decode()
    process.send_signal(signal.SIGINT)
    shown += _read_all(primary)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1
    assert "interrupted; so far:" in shown


def _read_all(descriptor: int) -> str:
    data = b""
    while True:
        try:
            piece = os.read(descriptor, 4096)
        except OSError:  # Linux: the other side of the terminal is closed
            piece = b""
        if not piece:
            os.close(descriptor)
            return data.decode()
        data += piece


@pytest.mark.anyio
async def test_nothing_that_a_server_says_moves_the_cursor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    evil = ScriptedAgent("evil", StreamError("\x1b[2J\x1b]0;title\x07 said the server"))
    good = [ScriptedAgent(id, "yes") for id in "ab"]
    result = await council.ask("?", panel=[evil, *good])
    for line in summary_lines(result):
        say(line)
    out = io.StringIO()
    view = LiveView(Console(file=out, width=80, force_terminal=True, color_system=None))
    await show(view, evil, *good)
    view.close()
    shown = capsys.readouterr().err + out.getvalue()
    assert "said the server" in shown
    for obeyed in ("\x1b]0;", "\x1b[2J", "\x07"):
        assert obeyed not in shown


@pytest.mark.anyio
async def test_a_cut_answer_is_said_even_to_those_who_want_it_quiet() -> None:
    cut = ScriptedAgent("a", [ChatToken("The sum is ", finish_reason="length")])
    result = await council.ask("?", panel=[cut])
    assert summary_lines(result, brief=True) == [
        "warning: the answer was cut off at its token limit"
    ]
    whole = await council.ask("?", panel=[ScriptedAgent("a", "7")])
    assert summary_lines(whole, brief=True) == []
