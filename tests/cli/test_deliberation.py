"""Rounds, rankings and dissent as a person sees them, and the lots of `--seed`."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
import yaml
from rich.console import Console

import council
from council.agents.scripted import ScriptedAgent
from council.cli.deliberation import deliberation_lines, ranking_line
from council.cli.summary import partial_lines, summary_lines
from council.cli.view import LineView, LiveView
from council.errors import TransportError
from council.result import Ranked, Ranking
from council.testing import RawServer, raw_server, whole_reply
from tests.support.panels import agents, ranks

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
BY_WORTH = ranks("good", "fair", "poor")


async def ask(panel: list[ScriptedAgent], strategy: str | dict[str, Any]) -> council.Result:
    return await council.ask("How many?", panel=panel, strategy=strategy)


async def test_rounds_say_who_moved_where() -> None:
    panel = agents("42", ("41", "42"), ("42", TransportError("down")))
    result = await ask(panel, "debate")
    assert deliberation_lines(result) == [
        "round 0: 42 by a c, 41 by b",
        "round 1: 42 by a b c; b changed from 41 to 42 (to the first majority); 1 failed; agreed",
    ]
    assert set(deliberation_lines(result)) < set(summary_lines(result))


async def test_rounds_that_cannot_be_compared() -> None:
    long = " with many words that are like no others, so that nothing can be compared"
    result = await ask(agents(f"a{long}", f"b{long}"), {"name": "debate", "max_rounds": 1})
    assert deliberation_lines(result)[0] == "round 0: no positions to compare"


async def test_a_ranking_is_one_line() -> None:
    panel = agents(("poor", "?"), ("good", BY_WORTH), ("fair", BY_WORTH))
    result = await ask(panel, "rank")
    expected = "ranking: 1. b 1.00, 2. c 0.00, 3. a (not ranked) (1 ballot; without a, c)"
    ranking = Ranking(
        (Ranked("b", 1, 1.0, 1), Ranked("c", 2, 0.0, 1), Ranked("a", 3, None, 0)),
        ballots=1,
        tie=False,
        abstained=("a", "c"),
    )
    assert ranking_line(ranking) == expected
    assert [line for line in summary_lines(result) if line.startswith("ranking: 1. b")]


async def test_auto_says_which_way_it_went() -> None:
    result = await ask(agents("42", "42"), "auto")
    assert summary_lines(result)[-1].startswith("[complete · auto by vote · 2 of 2 agree")


async def test_a_minority_report_is_dissent() -> None:
    long = " with many words that are like no others, so that nothing can be compared"
    panel = agents((f"a{long}", "So it is.\n\nDissent: it is not."), f"b{long}")
    result = await ask(panel, "synthesize")
    assert "dissent: the minority said it is not." in summary_lines(result)


async def test_positions_cannot_paint_the_terminal() -> None:
    result = await ask(agents("a\x1b[31m", "b"), {"name": "debate", "extract": "exact"})
    assert not any("\x1b" in line for line in summary_lines(result))


async def test_plain_lines_tell_rounds(capsys: pytest.CaptureFixture[str]) -> None:
    view = LineView()
    async with (
        council.open_council(agents("42", ("41", "42")), strategy="debate") as opened,
        opened.stream("How many?") as run,
    ):
        async for event in run:
            view.show(event)
    lines = capsys.readouterr().err.splitlines()
    said = [line for line in lines if line.startswith(" council | ")]
    assert said == [
        " council | (round 1: each sees the others' answers)",
        " council | (the answers agree after round 1)",
    ]
    assert any(line.startswith("b (round-1) | 42") for line in lines)


async def test_a_terminal_leaves_its_room_to_the_round_that_goes_on() -> None:
    view = LiveView(Console(file=io.StringIO(), width=80, height=30, force_terminal=True))
    out = Console(file=io.StringIO(), width=80, height=30)
    async with (
        council.open_council(agents("42 at first", ("41", "42")), strategy="debate") as opened,
        opened.stream("How many?") as run,
    ):
        async for event in run:
            view.show(event)
    out.print(view.picture())
    assert isinstance(out.file, io.StringIO)
    shown = out.file.getvalue()
    assert "─ b (round-1) scripted ─" in shown
    assert shown.count("42 at first") == 1  # the one of round 1
    assert shown.count("✓ done") == 2
    rows = [" ".join(line.split()) for line in shown.splitlines()]
    assert rows[-3] == "round 0 42 by a, 41 by b"
    assert rows[-2].startswith("round 1 42 by a b; b changed from 41 to 42 (")
    assert rows[-1] == "votes 42 by a b"


async def test_a_terminal_shows_rounds_and_ballots_as_they_come() -> None:
    view = LiveView(Console(file=io.StringIO(), width=60, height=12, force_terminal=True))
    out = Console(file=io.StringIO(), width=60, height=12)

    def rows() -> list[str]:
        with out.capture() as capture:
            out.print(view.picture())
        return [" ".join(line.split()) for line in capture.get().splitlines()]

    panel = [
        *agents(("41", "42\n" * 99), ("42", "42")),
        ScriptedAgent("d", "7", TransportError("x")),
    ]
    strategy = {"name": "debate", "extract": "number", "max_rounds": 2}
    shown: dict[str, list[str]] = {}
    async with (
        council.open_council(panel) as opened,
        opened.stream("How many?", strategy=strategy) as run,
    ):
        async for event in run:
            view.show(event)
            shown[event.type] = rows()
            if event.type == "round.finished" and event.round == 1:
                assert shown[event.type][-1].endswith("…")  # one line each, whatever its length
    assert shown["round.started"][-3] == "round 0 41 by a, 42 by b, 7 by d"
    assert shown["round.started"][-1] == "round 2 each sees the others' answers"
    assert shown["run.finished"][-1] == "votes 42 by a b, 7 by d"
    assert all(len(lines) <= 12 for lines in shown.values())


async def test_a_terminal_shows_a_ranking() -> None:
    view = LiveView(Console(file=io.StringIO(), width=80, height=30, force_terminal=True))
    panel = agents(("poor", BY_WORTH), ("good", BY_WORTH), ("fair", BY_WORTH))
    async with (
        council.open_council(panel) as opened,
        opened.stream("How many?", strategy="rank") as run,
    ):
        async for event in run:
            view.show(event)
    out = Console(file=io.StringIO(), width=80)
    out.print(view.picture())
    assert isinstance(out.file, io.StringIO)
    assert run.result.ranking is not None, run.error
    last = out.file.getvalue().splitlines()[-1]
    assert last.split()[:2] == ["ranking", "1."]


async def test_an_interrupted_round_is_shown() -> None:
    never, writing = anyio.Event(), anyio.Event()

    async def wait() -> None:
        writing.set()
        await never.wait()

    panel = agents(("42", ["chan", wait]), "41")
    async with (
        council.open_council(panel, strategy="debate") as opened,
        opened.stream("How many?") as run,
    ):
        await writing.wait()
        lines = partial_lines(run.snapshot())
    assert lines[:3] == ["interrupted; so far:", "a: 42", "b: 41"]
    assert "a (round-1) (partial): chan" in lines


async def test_json_carries_rounds_and_ranking() -> None:
    told = json.loads((await ask(agents("42", ("41", "42")), "debate")).to_json())
    assert [held["number"] for held in told["rounds"]] == [0, 1]
    assert told["rounds"][1]["flips"] == [
        {"expert": "b", "before": "41", "after": "42", "direction": "aside"}
    ]
    panel = agents(("poor", BY_WORTH), ("good", BY_WORTH), ("fair", BY_WORTH))
    told = json.loads((await ask(panel, "rank")).to_json())
    assert told["ranking"]["answers"][0] == {
        "expert": "b",
        "place": 1,
        "score": 1.0,
        "ballots": 2,
    }
    assert [reply["stage"] for reply in told["others"]] == ["review"] * 3


async def run(*arguments: str, store: Path) -> subprocess.CompletedProcess[str]:
    def call() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "council.cli", "run", *arguments],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd=ROOT,
            env={**os.environ, "XDG_DATA_HOME": str(store)},
            timeout=100,
            check=False,
        )

    return await anyio.to_thread.run_sync(call)


def answers_shown(server: RawServer) -> list[str]:
    """What each synthesis request shows, in the order in which it does."""
    texts = [json.loads(request.body)["messages"][-1]["content"] for request in server.requests]
    return [text for text in texts if "<answer" in text]


async def test_seeds_draw_the_lots(tmp_path: Path) -> None:
    async with (
        raw_server(whole_reply("one")) as one,
        raw_server(whole_reply("two")) as two,
        raw_server(whole_reply("three")) as three,
        raw_server(whole_reply("written")) as writer,
    ):
        experts = [{"model": "m", "endpoint": server.url} for server in (one, two, three)]
        file = tmp_path / "panel.yaml"
        values = {
            "experts": experts,
            "strategy": "synthesize",
            "synthesizer": {"model": "m", "endpoint": writer.url},
        }
        file.write_text(yaml.safe_dump(values))
        for seed in ("5", "5", "1", "2", "3"):
            done = await run(str(file), "Why?", "--seed", seed, "--events", store=tmp_path)
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout.splitlines()[0])["seed"] == int(seed)
        first, again, *others = answers_shown(writer)
    assert first == again
    assert any(other != first for other in others)
