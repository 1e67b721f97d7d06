"""The command line in the hands of somebody who has never used it, and in odd surroundings."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from council.cli.summary import summary_lines
from council.cli.terminal import complain
from council.errors import QuorumLost
from council.messages import Usage
from council.replies import Failure, Reply, Timings
from council.result import Result
from council.testing import raw_server, whole_reply

ROOT = Path(__file__).parents[2]
COUNCIL = [sys.executable, "-m", "council"]


def council(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    return subprocess.run(
        [*COUNCIL, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **env},
        timeout=100,
        check=False,
    )


def test_python_m_council_is_council() -> None:
    other = subprocess.run(
        [sys.executable, "-m", "council.cli", "--help"], capture_output=True, text=True, check=True
    )
    done = council("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.replace("python -m council.cli", "python -m council") == (
        other.stdout.replace("python -m council.cli", "python -m council")
    )


def test_help_loads_nothing_that_takes_time() -> None:
    program = (
        "import sys; from council.cli.main import app; app(['--help'], standalone_mode=False);"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "council.cli.main" in done.stderr.split()
    slow = {
        "pydantic",
        "rich",
        "anyio",
        "httpx",
        "aiohttp",
        "quart",
        "llama_cpp",
        "yaml",
        "sqlite3",
    }
    # Reading the version of a package takes a quarter of the whole.
    assert not {*slow, "importlib.metadata"} & set(done.stderr.split())


def test_two_forms_of_output_exclude_each_other() -> None:
    done = council("run", "configs/panel.yaml", "?", "--json", "--events")
    assert (done.returncode, done.stdout) == (2, "")
    assert "council: error: --json and --events exclude each other" in done.stderr


def test_all_mistakes_of_all_files_are_told(tmp_path: Path) -> None:
    panel = tmp_path / "panel.yaml"
    panel.write_text("experts: [{model: 'builtin:abacuss'}, {model: none.gguf}]\nstrategy: vot\n")
    done = council("config", "check", str(panel), "configs/panel.yaml")
    assert done.returncode == 2
    assert done.stdout == "configs/panel.yaml: ok (abacus, atlas, sage)\n"
    assert done.stderr.splitlines() == [
        f"council: error: {panel}:1: experts[0].model: there is no built-in model"
        " 'builtin:abacuss': did you mean 'builtin:abacus'?",
        f"council: error: {panel}:1: experts[1].model: no model file at {tmp_path}/none.gguf:"
        " without `endpoint` a model is a GGUF file or builtin:NAME",
        f"council: error: {panel}:2: strategy: unknown strategy 'vot': did you mean 'vote'?",
    ]
    for command in (["run", str(panel), "?"], ["doctor", str(panel)]):
        other = council(*command)
        assert (other.returncode, other.stdout, other.stderr) == (2, "", done.stderr)


def test_a_file_that_is_no_model_is_found_by_checking(tmp_path: Path) -> None:
    (tmp_path / "page.gguf").write_text("<html>")
    panel = tmp_path / "panel.yaml"
    panel.write_text("experts: [{model: page.gguf}]\n")
    done = council("config", "check", str(panel))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{panel}:1: experts[0].model: {tmp_path}/page.gguf is not a GGUF file" in done.stderr


def test_a_panel_that_cannot_run_here_is_right_all_the_same() -> None:
    # None in sys.modules makes an import fail as if the library were not there.
    code = (
        "import sys, importlib.util as u; f = u.find_spec;"
        "u.find_spec = lambda n, p=None: None if n == 'llama_cpp' else f(n, p);"
        "sys.argv = ['council', 'config', 'check', 'configs/self-consistency.yaml'];"
        "from council.cli.start import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "configs/self-consistency.yaml: ok (sage)\n")
    assert done.stderr.startswith(
        "council: warning: configs/self-consistency.yaml:3: experts[0].model: the bundled backend"
        " is not installed (no llama_cpp): run 'scripts/setup', or"
    )


@pytest.mark.parametrize(
    ("module", "arguments"),
    [("typer", ["--help"]), ("anyio", ["run", "configs/panel.yaml", "?"])],
)
def test_an_interrupt_while_it_starts_is_no_traceback(
    tmp_path: Path, module: str, arguments: list[str]
) -> None:
    # Found before the real one, it holds up the import for as long as it takes to interrupt it.
    (tmp_path / f"{module}.py").write_text(
        "import signal, sys; print('importing', file=sys.stderr, flush=True); signal.pause()"
    )
    process = subprocess.Popen(
        [*COUNCIL, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=100)
    assert err == ""
    assert process.returncode == 130


def test_who_wants_interrupts_ignored_gets_that() -> None:
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN);"
        "from council.cli.quick_exit import exit_on_interrupt; exit_on_interrupt();"
        "signal.raise_signal(signal.SIGINT); print('still here')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "still here\n")


def failed(id: str, why: str, sample: int = 0) -> Reply:
    return Reply(
        id=id, model="m", sample=sample, stage="answer", status="failed", text="", reasoning="",
        finish_reason=None, error=Failure("transport", why), usage=None, timings=Timings(None, 0.1),
    )  # fmt: skip


def result(experts: Sequence[Reply], reasons: Sequence[str], error: Failure | None) -> Result:
    return Result(
        run_id="r", question="?", answer=None if error else "42",
        status="failed" if error else "degraded", reasons=tuple(reasons), strategy="vote",
        experts=tuple(experts), decider=None, votes=None, agreement=None, dissent=(),
        usage=Usage(0, 0), warnings=("A: odd", "B: odd", "the vote was a tie"), seconds=1.0,
        error=error,
    )  # fmt: skip


def test_one_cause_of_many_failures_is_told_once() -> None:
    replies = [
        failed("A", "down"),
        failed("A", "down", 1),
        failed("B", "slow"),
        failed("C", "down"),
    ]
    reasons = tuple(f"{reply.label}: {reply.error.message}" for reply in replies if reply.error)
    lines = summary_lines(result(replies, [*reasons, "a: b"], None))
    assert lines[:3] == ["degraded: A, A#2, C: down", "degraded: B: slow", "degraded: a: b"]
    assert lines[3:5] == ["warning: A, B: odd", "warning: the vote was a tie"]
    lost = Failure.of(QuorumLost(2, 0, reasons))
    (line,) = summary_lines(result(replies, [], lost), brief=True)
    assert line == (
        "failed: quorum lost: 0 of 2 needed experts answered (A, A#2, C: down; B: slow)"
    )
    # What programs read stays one cause for each.
    assert lost.message in result(replies, [], lost).to_json()


def test_an_error_of_several_lines_is_several_errors(capsys: pytest.CaptureFixture[str]) -> None:
    complain(ValueError("one\ntwo \x1b[2J"))
    assert capsys.readouterr().err == "council: error: one\ncouncil: error: two \n"


@pytest.mark.anyio
async def test_an_answer_beyond_ascii_reaches_a_stream_of_ascii(tmp_path: Path) -> None:
    async with raw_server(whole_reply("süß ☃ 😀")) as server:
        panel = tmp_path / "panel.yaml"
        panel.write_text(f"experts: [{{model: m, endpoint: '{server.url}'}}]\nstrategy: first\n")
        run = partial(council, PYTHONIOENCODING="ascii:strict")
        plain = await anyio.to_thread.run_sync(run, "run", str(panel), "?")
        as_json = await anyio.to_thread.run_sync(run, "run", str(panel), "?", "--json")
    assert (plain.returncode, plain.stdout) == (0, "s\\u00fc\\u00df \\u2603 \\ud83d\\ude00\n")
    assert json.loads(as_json.stdout)["answer"] == "süß ☃ 😀"
    assert "Traceback" not in plain.stderr + as_json.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("experts:\n\t- model: m\n", "2: not valid YAML: found character '\\t' that cannot start"
         " any token: indent with spaces"),
        ("experts:\n  - model: gpt: 4\n", "2: not valid YAML: mapping values are not allowed here:"
         " a value with a colon and a space in it needs quotes"),
        ("a: b\n" * 300_000, " not a panel: larger than 1,000,000 bytes"),
        ("experts: [\x01]\n", " not valid YAML: unacceptable character #x0001: special characters"
         " are not allowed"),
    ],
    ids=["tab", "colon", "huge", "control"],
)  # fmt: skip
def test_what_is_no_yaml_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    panel = tmp_path / "panel.yaml"
    panel.write_text(text)
    done = council("config", "check", str(panel))
    assert (done.returncode, done.stderr) == (2, f"council: error: {panel}:{told}\n")


def on_terminal(*arguments: str, columns: int) -> tuple[int, str]:
    """The exit code of a command and what it shows on a terminal of that width."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COUNCIL, *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1", "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    with open(ours, "rb", buffering=0) as terminal:
        while True:
            try:
                piece = terminal.read(4096)
            except OSError:  # how Linux tells of the other side's end
                break
            if not piece:
                break
            shown += piece
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())
    return process.wait(timeout=100), plain.replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [30, 60, 160])
def test_findings_of_the_doctor_stay_readable(tmp_path: Path, columns: int) -> None:
    """A table where words fit in its columns, else a paragraph for each finding."""
    panel = tmp_path / "panel.yaml"
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        panel.write_text(f"experts:\n  - model: a-model\n    endpoint: {url}\n")
        code, shown = on_terminal("doctor", str(panel), columns=columns)
    assert code == 1
    lines = [line.rstrip() for line in shown.splitlines()]
    assert max(map(len, lines)) <= columns
    assert ("│" in shown) == (columns == 160)
    if columns < 160:
        assert "failed" in lines[0]
        assert lines[1] == "  model: a-model"
        assert lines[2] == f"  endpoint: {url}" or columns == 30
        # Wrapped between words: none is cut but the address itself.
        assert {"start", "server,", "check"} <= set(shown.replace("(", "").split())
