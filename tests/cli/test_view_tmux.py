"""`council run` in a real terminal: what stands on it while experts write slowly."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio
import pytest
import yaml

from council.testing import (
    DONE,
    END,
    FINISH,
    STREAM_HEAD,
    Step,
    chunked,
    delta,
    plain_reply,
    raw_server,
    unused_port,
    whole_reply,
)
from tests.support.processes import children
from tests.support.tmux import Terminal, needs_tmux, terminal

# Not the suite's limit: each may wait for several processes on a machine that is busy.
pytestmark = [pytest.mark.anyio, needs_tmux, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
ANSWER = "It is **42**.\n\n- by counting\n"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Slow:
    """Two experts who write when they are told to, and one who fails; a writer if wanted."""

    panel: Path
    first: anyio.Event = field(default_factory=anyio.Event)
    second: anyio.Event = field(default_factory=anyio.Event)
    written: anyio.Event = field(default_factory=anyio.Event)


@asynccontextmanager
async def slow(folder: Path) -> AsyncGenerator[Slow, None]:
    panel = Slow(folder / "panel.yaml")
    end = chunked(FINISH + DONE), END
    ada: list[Step] = [
        STREAM_HEAD,
        chunked(delta("ada begins")),
        panel.first,
        chunked(delta(" and ends")),
        *end,
    ]
    bob: list[Step] = [
        STREAM_HEAD,
        chunked(delta("bob begins")),
        panel.second,
        chunked(delta(" too")),
        *end,
    ]
    chair: list[Step] = [
        STREAM_HEAD,
        chunked(delta("It is ")),
        panel.written,
        chunked(delta(ANSWER[6:])),
        *end,
    ]
    async with (
        raw_server(ada) as one,
        raw_server(bob) as two,
        raw_server(plain_reply("500 Internal Server Error", "{}")) as three,
        raw_server(chair) as four,
    ):
        experts: list[dict[str, object]] = [
            {"id": id, "model": "qwen3:4b", "endpoint": server.url, "retries": 0}
            for id, server in (("ada", one), ("bob", two), ("eve", three))
        ]
        experts[0]["price"] = {"input": 100, "output": 100}
        writer = {"model": "big", "endpoint": four.url}
        values = {"experts": experts, "strategy": "synthesize", "synthesizer": writer}
        panel.panel.write_text(yaml.safe_dump(values))
        yield panel


def council_run(terminal: Terminal, folder: Path, *, out: bool = True, **more: str) -> None:
    """Starts the run in the terminal; its standard output goes to `answer` in the folder."""
    command = [sys.executable, "-m", "council.cli", "run", str(folder / "panel.yaml"), "How many?"]
    environment = {"COUNCIL_STORE": str(folder / "runs.sqlite3"), "PYTHONPATH": str(ROOT), **more}
    terminal.run(command, environment, out=folder / "answer" if out else None)


@pytest.fixture
def wide(tmp_path: Path) -> Generator[Terminal, None, None]:
    with terminal(tmp_path, 100, 30) as opened:
        yield opened


def is_whole(screen: str, width: int) -> bool:
    """Whether there is a header and below it nothing but boxes that fill the width, and votes."""
    header, *rows = screen.rstrip("\n").splitlines()
    return "How many?" in header and all(
        len(row) == width and row[0] in "╭│╰" and row[-1] in "╮│╯"
        for row in rows
        if not row.startswith(" votes ")
    )


def fills(screen: str, width: int, height: int) -> bool:
    """Whether the panes of the two who write fill a window of that size."""
    rows = screen.rstrip("\n").splitlines()
    return len(rows) == height and is_whole(screen, width) and "ada begins" in screen


async def test_panes_fill_side_by_side(wide: Terminal, tmp_path: Path) -> None:
    async with slow(tmp_path) as panel:
        council_run(wide, tmp_path)
        screen = await wide.shows("ada begins", "bob begins", "✗ failed", "answer 1/3")
        beside = next(line for line in screen.splitlines() if "ada begins" in line)
        assert "bob begins" in beside
        assert "HTTP 500" in beside
        assert is_whole(screen, 100)
        panel.first.set()
        screen = await wide.shows("ada begins and ends", "✓", "answer 2/3")
        assert "bob begins too" not in screen
        assert "· $" in screen.splitlines()[0]  # ada has a price
        panel.second.set()
        screen = await wide.shows("bob begins too", "synthesizer (synthesis) big", "│ It is ")
        assert is_whole(screen, 100)
        panel.written.set()
        screen = await wide.shows("left with 0")
    assert (tmp_path / "answer").read_text() == ANSWER + "\n"
    # The panes stay, then the summary; the answer is in the file.
    assert screen.startswith("╭─ ada qwen3:4b ─")
    assert "ada begins and ends" in screen
    assert "[degraded · synthesize" in screen
    assert wide.tmux("display", "-p", "#{cursor_flag} #{alternate_on}") == "1 0\n"


async def test_the_answer_is_markdown_on_a_terminal(wide: Terminal, tmp_path: Path) -> None:
    async with slow(tmp_path) as panel:
        for event in (panel.first, panel.second, panel.written):
            event.set()
        council_run(wide, tmp_path, out=False)
        screen = await wide.shows("left with 0")
    lines = screen.splitlines()
    at = lines.index("It is 42.")
    assert lines[at - 1 : at + 4] == ["", "It is 42.", "", " • by counting", ""]
    assert lines[at + 4].startswith("degraded: eve: HTTP 500")


@pytest.mark.parametrize(("width", "beside"), [(60, True), (58, False)])
async def test_a_narrow_window(tmp_path: Path, width: int, beside: bool) -> None:
    with terminal(tmp_path, width, 24) as narrow:
        async with slow(tmp_path) as panel:
            council_run(narrow, tmp_path)
            screen = await narrow.shows("ada begins", "bob begins", "✗ failed")
            assert is_whole(screen, width)
            line = next(line for line in screen.splitlines() if "ada begins" in line)
            assert ("bob begins" in line) == beside
            for event in (panel.first, panel.second, panel.written):
                event.set()
            await narrow.shows("left with 0")
    assert (tmp_path / "answer").read_text() == ANSWER + "\n"


@pytest.mark.parametrize("size", [(29, 24), (80, 5)], ids=["narrow", "low"])
async def test_a_window_too_small_for_panes_gets_lines(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    with terminal(tmp_path, *size) as small:
        async with slow(tmp_path) as panel:
            for event in (panel.first, panel.second, panel.written):
                event.set()
            council_run(small, tmp_path)
            await small.shows("left with 0")
            told = small.tmux("capture-pane", "-p", "-S", "-", "-t", "main")
    assert "     ada | ada begins and ends"[:29] in told
    assert "╭" not in told


async def test_a_dumb_terminal_gets_lines(wide: Terminal, tmp_path: Path) -> None:
    async with slow(tmp_path) as panel:
        panel.first.set()
        council_run(wide, tmp_path, TERM="dumb")
        screen = await wide.shows("     ada | ada begins and ends", "     eve | (failed: HTTP 500")
        assert "bob" not in screen
        panel.second.set()
        panel.written.set()
        screen = await wide.shows("left with 0")
    assert "╭" not in screen
    assert (tmp_path / "answer").read_text() == ANSWER + "\n"


async def test_a_window_that_changes_its_size(wide: Terminal, tmp_path: Path) -> None:
    async with slow(tmp_path) as panel:
        council_run(wide, tmp_path)
        await wide.shows("ada begins", "bob begins", "✗ failed")
        for width, height in ((60, 12), (140, 40), (45, 20), (100, 6), (100, 30)):
            wide.resize(width, height)
            await wide.until(partial(fills, width=width, height=height))
        for event in (panel.first, panel.second, panel.written):
            event.set()
        screen = await wide.shows("left with 0")
    assert screen.startswith("╭─ ada qwen3:4b ─")
    # Nothing of the pictures is left above.
    assert wide.tmux("capture-pane", "-p", "-S", "-", "-t", "main").startswith("╭─ ada")


async def test_an_interrupt_leaves_the_terminal_in_order(wide: Terminal, tmp_path: Path) -> None:
    async with slow(tmp_path) as panel:
        panel.first.set()
        council_run(wide, tmp_path)
        await wide.shows("ada begins and ends", "bob begins", "✗ failed", "2/3")
        wide.keys("C-c")
        screen = await wide.shows("left with 130")
    lines = screen.splitlines()
    at = lines.index("interrupted; so far:")
    assert lines[at + 1 : at + 3] == ["ada: ada begins and ends", "bob (partial): bob begins"]
    assert "╭" not in screen
    assert wide.tmux("display", "-p", "#{cursor_flag} #{alternate_on}") == "1 0\n"
    assert (tmp_path / "answer").read_text() == ""


async def test_a_run_that_is_suspended_gives_the_terminal_back(
    wide: Terminal, tmp_path: Path
) -> None:
    def state() -> str:
        return wide.tmux("display", "-p", "#{cursor_flag} #{alternate_on}").strip()

    async with slow(tmp_path) as panel:
        council_run(wide, tmp_path)
        await wide.shows("ada begins", "bob begins", "✗ failed")
        assert state() == "0 1"
        (process,) = children(int(wide.tmux("display", "-p", "#{pane_pid}")))
        os.kill(process, signal.SIGTSTP)
        await wide.until(lambda screen: state() == "1 0")
        os.kill(process, signal.SIGCONT)
        screen = await wide.shows("ada begins", "bob begins", "✗ failed")
        assert is_whole(screen, 100)
        for event in (panel.first, panel.second, panel.written):
            event.set()
        await wide.shows("left with 0")


async def test_wide_and_hostile_texts_leave_the_borders_alone(
    wide: Terminal, tmp_path: Path
) -> None:
    hostile = (
        "日本語" * 20,
        "👩‍👩‍👧‍👦 ❤️ 🇩🇪 " * 9,
        "שלום עולם \u202e" * 9,
        "e\u0301\u0302\u0303\u0304\u0305" * 40,
        "\x1b[2J\x1b]0;title\x07\x1b[10;10H gone",
    )
    port = unused_port()
    async with (
        raw_server(whole_reply(*hostile)) as loud,
        raw_server([STREAM_HEAD, anyio.Event()]) as mute,
    ):
        urls = [loud.url, mute.url, f"http://127.0.0.1:{port}"]
        experts = [
            {"id": id, "model": "m", "endpoint": url, "retries": 0}
            for id, url in zip(("loud", "mute", "none"), urls, strict=True)
        ]
        (tmp_path / "panel.yaml").write_text(yaml.safe_dump({"experts": experts}))
        council_run(wide, tmp_path)
        screen = await wide.shows("gone", "✗ failed", "○ waiting", "日本語")
        assert wide.tmux("display", "-p", "#{pane_title}") != "title\n"
        # One cell for each letter, whatever it is made of, and two for wide ones.
        columns = wide.tmux("capture-pane", "-p", "-t", "main").splitlines()[1:]
        assert all(line[0] in "╭│╰" and line[-1] in "╮│╯" for line in columns)
        assert all(line.count("│") in (0, 6) for line in columns), screen
        wide.keys("C-c")
        await wide.shows("left with 130")
