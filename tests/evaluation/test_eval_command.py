"""`council eval` as a person meets it: a real process, its output, its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
import yaml

from council.cli.eval_command import BASELINES
from council.evaluation.measure import BASELINE
from council.testing import (
    STREAM_HEAD,
    RawServer,
    Step,
    chunked,
    delta,
    plain_reply,
    raw_server,
    until_closed,
    whole_reply,
)

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
EVAL = [sys.executable, "-m", "council.cli", "eval"]
SHIPPED = "examples/questions/builtin.jsonl"


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*EVAL, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


async def run(*arguments: str) -> tuple[int, str, str]:
    """Runs the command to its end: exit code, standard output, standard error."""

    def call() -> tuple[int, str, str]:
        process = start(*arguments)
        out, err = process.communicate(timeout=100)
        return process.returncode, out, err

    return await anyio.to_thread.run_sync(call)


def panel(folder: Path, *servers: RawServer, name: str = "panel", **more: Any) -> str:
    file = folder / f"{name}.yaml"
    experts = [{"model": "m", "endpoint": server.url, "retries": 0} for server in servers]
    file.write_text(yaml.safe_dump({"experts": experts, **more}))
    return str(file)


def questions(folder: Path, *answers: str) -> str:
    file = folder / "q.jsonl"
    rows = [{"id": f"q{n}", "question": "?", "answer": a} for n, a in enumerate(answers)]
    file.write_text("\n".join(map(json.dumps, rows)))
    return str(file)


def said(text: str) -> list[Step]:
    return list(whole_reply(text))


async def test_a_table_on_stdout_and_progress_on_stderr(tmp_path: Path) -> None:
    async with raw_server(said("It is 42.")) as server, raw_server(said("It is 41.")) as other:
        file = panel(tmp_path, server, server, other)
        code, out, err = await run(file, "--questions", questions(tmp_path, "42", "41", "42"))
        assert len(server.requests) == 6
        assert len(other.requests) == 3
    assert code == 0
    lines = out.splitlines()
    assert lines[0].endswith("q.jsonl: 3 questions")
    assert "| panel (vote) | 66.7% |" in lines[4]
    assert "| single answer (mean) | 55.6% |" in lines[5]
    assert "| C | 33.3% |" in lines[8]
    assert err.splitlines()[-1].strip() == "panel | 3 of 3 questions, 2 right"


async def test_json_plot_limit_and_quiet(tmp_path: Path) -> None:
    picture = tmp_path / "out.svg"
    async with raw_server(said("It is 42.")) as server:
        file, asked = panel(tmp_path, server), questions(tmp_path, "42", "41", "40")
        flags = ["--limit", "2", "--json", "--plot", str(picture), "-q"]
        code, out, err = await run(file, "--questions", asked, *flags)
        assert len(server.requests) == 2
    data = json.loads(out)
    assert (code, err) == (0, "")
    assert (data["asked"], data["of"], len(data["answers"])) == (2, 2, 2)
    assert "50.0%" in picture.read_text("utf-8")
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")


async def test_the_baseline_asks_one_member_again(tmp_path: Path) -> None:
    async with raw_server(said("It is 42.")) as server, raw_server(said("It is 41.")) as other:
        file, asked = panel(tmp_path, other, server), questions(tmp_path, "42", "42")
        flags = ["--baseline", "self-consistency", "--samples", "4", "--json"]
        code, out, err = await run(file, "--questions", asked, *flags)
        assert len(server.requests) == 2 + 8
        assert len(other.requests) == 2
        seeds = {request.json["seed"] for request in server.requests[2:]}
    data = json.loads(out)
    assert code == 0
    assert len(seeds) == 4
    assert data["rows"][-1]["name"] == "self-consistency (B × 4)"
    assert data["rows"][-1]["accuracy"]["value"] == 1.0
    assert "self-consistency | 2 of 2 questions, 2 right" in err


async def test_several_panels_are_compared_with_the_first(tmp_path: Path) -> None:
    picture = tmp_path / "out.svg"
    async with raw_server(said("It is 42.")) as server, raw_server(said("It is 41.")) as other:
        files = (
            panel(tmp_path, server, name="good"),
            panel(tmp_path, other, other, server, name="poor"),
        )
        asked = questions(tmp_path, "42", "42", "41", "42")
        code, out, err = await run(*files, "--questions", asked, "--plot", str(picture))
        assert (len(server.requests), len(other.requests)) == (4 + 4, 8)
    assert code == 0
    titles = [line for line in out.splitlines() if line.startswith("**")]
    assert [title.split("**")[1] for title in titles] == [*files, "Compared"]
    compared = out.split("**Compared** with good on ")[1]
    assert "| good: panel (vote) | 75.0% |" in compared
    assert "| poor: panel (vote) | 25.0% | 4.6 to 69.9 | -50.0 | -100.0 to +61.2 |" in compared
    assert "- poor 25.0% (4.6 to 69.9) against good 75.0% (30.1 to 95.4): " in compared
    assert "poor: C 75.0% (30.1 to 95.4) against good" in compared
    told = [line.strip() for line in err.splitlines()]
    assert [line for line in told if line.endswith(":")] == ["good:", "poor:"]
    assert [line for line in told if " 4 of 4 " in line] == [
        "panel | 4 of 4 questions, 3 right",
        "panel | 4 of 4 questions, 1 right",
    ]
    assert "poor: single answer (mean): 41.7%" in picture.read_text("utf-8")


async def test_several_panels_as_json(tmp_path: Path) -> None:
    async with raw_server(said("It is 42.")) as server:
        folders = [tmp_path / name for name in ("a", "b")]
        for folder in folders:
            folder.mkdir()
        files = [panel(folder, server) for folder in folders]
        code, out, err = await run(*files, "--questions", questions(tmp_path, "42"), "--json", "-q")
    data = json.loads(out)
    assert (code, err) == (0, "")
    assert [one["config"] for one in data["panels"]] == files
    assert [len(one["answers"]) for one in data["panels"]] == [1, 1]
    assert data["panels"][0]["members"] == [
        {"id": "A", "samples": 1, "weight": 1.0, "temperature": None}
    ]
    # Two files with the same name are told apart by their folders.
    assert data["comparison"]["first"] == files[0]
    ahead = {row["panel"]: row["ahead"] for row in data["comparison"]["rows"]}
    # One question proves nothing: the bounds are those of a sign test.
    none = pytest.approx({"value": 0.0, "low": -0.975, "high": 0.975})
    assert ahead == {files[0]: none, files[1]: none}


async def test_a_mistake_in_the_last_file_is_told_before_anybody_is_asked(tmp_path: Path) -> None:
    async with raw_server(said("It is 42.")) as server:
        file = panel(tmp_path, server)
        bad = tmp_path / "bad.yaml"
        bad.write_text("experts: [{model: m, endpoit: x}]")
        code, out, err = await run(file, str(bad), "--questions", questions(tmp_path, "42"))
        assert server.requests == []
    assert (code, out) == (2, "")
    assert "bad.yaml:1" in err


async def test_where_all_fail_nothing_is_measured(tmp_path: Path) -> None:
    async with raw_server(plain_reply("500 Oh", '{"error": "overheated"}')) as server:
        file, asked = panel(tmp_path, server), questions(tmp_path, *["42"] * 5)
        code, out, err = await run(file, "--questions", asked)
    assert code == 1
    assert "| panel (vote) | – | – | 0 | 0 | 0 | 5 |" in out
    assert "5 of 5 runs failed and are in no accuracy; first: " in out
    # The first few causes, not hundreds of them.
    assert err.count("failed: ") == 3
    assert "overheated" in err


async def test_one_panel_of_which_nothing_is_known_leaves_the_others_measured(
    tmp_path: Path,
) -> None:
    async with raw_server(said("42")) as good, raw_server(plain_reply("500 Oh", "{}")) as dead:
        files = panel(tmp_path, good, name="p"), panel(tmp_path, dead, name="q")
        code, out, err = await run(*files, "--questions", questions(tmp_path, "42"), "--quiet")
        alone, _, told = await run(files[1], "--questions", questions(tmp_path, "42"), "--quiet")
    assert code == 0
    assert "| panel (vote) | 100.0%" in out
    assert err == "council: warning: q: nothing could be measured\n"
    assert (alone, told) == (1, "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_an_interrupt_prints_what_there_is(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    half: list[Step] = [STREAM_HEAD, chunked(delta("It is")), until_closed]
    async with raw_server(said("It is 42."), said("It is 42."), half) as server:
        file, asked = panel(tmp_path, server), questions(tmp_path, *["42"] * 5)
        process = start(file, "--questions", asked, "--at-once", "1", "--json")
        assert process.stderr is not None
        while "2 of 5 questions" not in (line := await read_line(process)):
            assert line, "the process ended too early"
        process.send_signal(number)
        out, err = await anyio.to_thread.run_sync(process.communicate)
    data = json.loads(out)
    assert process.returncode == code
    assert (data["interrupted"], data["asked"], data["of"]) == (True, 2, 5)
    assert data["rows"][0]["accuracy"]["value"] == 1.0
    assert "Traceback" not in err


async def test_an_interrupt_compares_what_there_is(tmp_path: Path) -> None:
    half: list[Step] = [STREAM_HEAD, chunked(delta("It is")), until_closed]
    ready, stuck = [said("It is 42.")] * 4, [said("It is 41."), half]
    async with raw_server(*ready) as server, raw_server(*stuck) as other:
        files = panel(tmp_path, server, name="first"), panel(tmp_path, other, name="second")
        last = panel(tmp_path, server, name="third")
        asked = questions(tmp_path, *["42"] * 4)
        process = start(*files, last, "--questions", asked, "--at-once", "1")
        said_so_far = ""
        while "second:" not in said_so_far or "1 of 4 questions, 0" not in said_so_far:
            said_so_far += (line := await read_line(process))
            assert line, "the process ended too early"
        process.send_signal(signal.SIGINT)
        out, _ = await anyio.to_thread.run_sync(process.communicate)
    assert process.returncode == 130
    titles = [line for line in out.splitlines() if line.startswith("**")]
    assert titles[0].endswith(": 4 questions")
    assert titles[1].endswith(": 1 of 4 questions, interrupted")
    assert titles[2].startswith("**Compared** with first")
    assert "| second: panel (vote) | 0.0% | 0.0 to 79.3 | -100.0 |" in out
    assert "third" not in out


async def test_an_interrupt_before_a_panels_first_answer_cuts_no_other_short(
    tmp_path: Path,
) -> None:
    half: list[Step] = [STREAM_HEAD, chunked(delta("It is")), until_closed]
    async with raw_server(*[said("It is 42.")] * 2) as server, raw_server(half) as other:
        files = panel(tmp_path, server, name="first"), panel(tmp_path, other, name="second")
        asked = questions(tmp_path, "42", "42")
        process = start(*files, "--questions", asked, "--at-once", "1")
        while "second:" not in (line := await read_line(process)):
            assert line, "the process ended too early"
        process.send_signal(signal.SIGINT)
        out, _ = await anyio.to_thread.run_sync(process.communicate)
    assert process.returncode == 130
    titles = [line for line in out.splitlines() if line.startswith("**")]
    assert [title.endswith(": 2 questions") for title in titles] == [True]


async def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return await anyio.to_thread.run_sync(process.stderr.readline)


async def test_mistakes_of_a_question_file_are_told_before_anybody_is_asked(tmp_path: Path) -> None:
    async with raw_server(said("It is 42.")) as server:
        file = panel(tmp_path, server)
        (tmp_path / "bad.jsonl").write_text('{"id": "a", "question": "?"}\nnonsense\n')
        code, out, err = await run(file, "--questions", str(tmp_path / "bad.jsonl"))
        assert server.requests == []
    assert (code, out) == (2, "")
    first, second = err.splitlines()
    assert "bad.jsonl:1: answer: missing" in first
    assert "bad.jsonl:2: not JSON" in second


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["configs/panel.yaml"], "Missing option '--questions'"),
        (["nowhere.yaml", "--questions", SHIPPED], "nowhere.yaml: No such file"),
        (["configs/panel.yaml", "--questions", "no.jsonl"], "no.jsonl: No such file"),
        (
            ["configs/panel.yaml", "--questions", SHIPPED, "--baseline", "magic"],
            "--baseline: expected self-consistency, got 'magic'",
        ),
        (
            ["configs/panel.yaml", "--questions", SHIPPED, "--samples", "3"],
            "--samples is the baseline's: add --baseline self-consistency",
        ),
        (
            ["configs/panel.yaml", "--questions", SHIPPED, "--plot", "nowhere/a.svg"],
            "--plot nowhere/a.svg: expected a file in a folder that exists",
        ),
        (["configs/panel.yaml", "--questions", SHIPPED, "--limit", "0"], "--limit"),
        (
            ["configs/panel.yaml", "configs/panel.yaml", "--questions", SHIPPED],
            "a panel file is named twice",
        ),
    ],
)
async def test_usage_errors(arguments: list[str], message: str) -> None:
    code, out, err = await run(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


async def test_the_built_in_panel_on_the_shipped_questions() -> None:
    code, out, err = await run(
        "configs/panel.yaml", "--questions", SHIPPED, "--limit", "10", "--json"
    )
    assert code == 0, err
    data = json.loads(out)
    names = ["panel (vote)", "single answer (mean)", "abacus", "atlas", "sage"]
    assert [row["name"] for row in data["rows"]] == names
    assert [sum(row["verdicts"].values()) for row in data["rows"]] == [10, 30, 10, 10, 10]
    assert data["rows"][0]["verdicts"]["failed"] == 0
    # Far below what they reach: this is about the way from a file to a figure.
    assert data["rows"][0]["accuracy"]["value"] >= 0.3
    assert {answer["question"]["field"] for answer in data["answers"]} >= {"sums", "unknown"}


def test_the_command_names_every_baseline() -> None:
    assert BASELINES == (BASELINE,)


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from council.cli.main import app; app(['eval', '--help'],"
        " standalone_mode=False); sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert "--baseline" in done.stdout
    assert not {"anyio", "httpx", "yaml"} & set(done.stderr.split())
