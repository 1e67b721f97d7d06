"""`council run` as a person meets it: a real process, its output, its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
import yaml

from council.cli.terminal import harmless
from council.testing import (
    DONE,
    STREAM_HEAD,
    RawServer,
    Step,
    choice,
    chunked,
    delta,
    plain_reply,
    raw_server,
    stream,
    until_closed,
    unused_port,
    whole_reply,
)
from tests.support.processes import alive, children

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
PYTHON_M = f"{sys.executable} -m council.cli"
COUNCIL = [sys.executable, "-m", "council.cli"]


async def council(
    *arguments: str, stdin: str | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""

    def call() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COUNCIL, *arguments],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, **env},
            timeout=60,
            check=False,
        )

    return await anyio.to_thread.run_sync(call)


def panel(folder: Path, *servers: RawServer | str, **more: Any) -> str:
    """A panel file with an expert for each server or URL."""
    urls = [server if isinstance(server, str) else server.url for server in servers]
    experts = [{"model": "m", "endpoint": url} for url in urls]
    file = folder / "panel.yaml"
    file.write_text(yaml.safe_dump({"experts": experts, **more}))
    return str(file)


@pytest.fixture
async def good() -> AsyncGenerator[RawServer, None]:
    async with raw_server(whole_reply("17 + 25 ", "= 42.")) as server:
        yield server


async def test_the_answer_alone_is_on_stdout(tmp_path: Path, good: RawServer) -> None:
    done = await council("run", panel(tmp_path, good, good, good), "What is 17 + 25?")
    assert done.stdout == "17 + 25 = 42.\n"
    assert done.returncode == 0
    assert "A | 17 + 25 = 42." in done.stderr
    assert "complete · vote · 3 of 3 agree on '42'" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


async def test_json(tmp_path: Path, good: RawServer) -> None:
    done = await council("run", panel(tmp_path, good, good), "What is 17 + 25?", "--json")
    result = json.loads(done.stdout)
    assert result["answer"] == "17 + 25 = 42."
    assert [expert["id"] for expert in result["experts"]] == ["A", "B"]
    expert = result["experts"][0]
    assert expert.keys() >= {
        "id", "model", "sample", "status", "text", "reasoning", "finish_reason", "error", "usage",
        "timings",
    }  # fmt: skip
    assert expert["timings"]["first_token"] <= expert["timings"]["total"]


async def test_events(tmp_path: Path, good: RawServer) -> None:
    done = await council("run", panel(tmp_path, good, good), "?", "--events")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["type"] == "run.started"
    assert events[-1]["type"] == "run.finished"
    assert {event["expert"] for event in events if event["type"] == "expert.token"} == {"A", "B"}


async def test_quiet(tmp_path: Path, good: RawServer) -> None:
    done = await council("run", panel(tmp_path, good, good), "?", "--quiet")
    assert (done.stdout, done.stderr) == ("17 + 25 = 42.\n", "")


async def test_another_strategy(tmp_path: Path, good: RawServer) -> None:
    done = await council("run", panel(tmp_path, good, good), "?", "--strategy", "concat", "-q")
    assert done.stdout.startswith("## A (m)\n\n17 + 25 = 42.")


async def test_a_cut_answer_among_several_is_said_even_quietly(
    tmp_path: Path, good: RawServer
) -> None:
    end = choice(delta={}, finish_reason="length")
    async with raw_server(stream(delta("17 + 25 is"), end, DONE)) as cut:
        file = panel(tmp_path, good, cut)
        done = await council("run", file, "?", "--strategy", "concat", "-q")
    assert done.stdout.endswith("17 + 25 is\n")
    assert done.stderr == "warning: B: the answer was cut off at its token limit\n"


@pytest.mark.parametrize(
    ("arguments", "stdin", "question"),
    [
        (["-"], "from stdin\n", "from stdin"),
        (["Review this:"], "a diff\n", "Review this:\n\na diff"),
        ([], "from a pipe", "from a pipe"),
        (["plain"], "", "plain"),
    ],
)
async def test_questions_from_stdin(
    tmp_path: Path, good: RawServer, arguments: list[str], stdin: str, question: str
) -> None:
    done = await council("run", panel(tmp_path, good), *arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    assert good.requests[0].json["messages"] == [{"role": "user", "content": question}]


BAD_SERVERS: dict[str, tuple[list[Step], str]] = {
    "500": (plain_reply("500 Internal Server Error", '{"error": "overheated"}'), "overheated"),
    "cut": ([STREAM_HEAD, chunked(delta("17 + 25 = 4"))], "before the reply was whole"),
    "stall": ([STREAM_HEAD, chunked(delta("17 +")), until_closed], "limit 'idle'"),
}


@pytest.mark.parametrize("fault", ["dead", *BAD_SERVERS])
async def test_one_of_three_fails(tmp_path: Path, good: RawServer, fault: str) -> None:
    steps, cause = BAD_SERVERS.get(fault, ([b""], "could not connect"))
    async with raw_server(steps) as bad:
        url = f"http://127.0.0.1:{unused_port()}" if fault == "dead" else bad.url
        file = panel(tmp_path, good, url, good)
        config = yaml.safe_load(Path(file).read_text())
        config["experts"][1]["timeouts"] = {"idle": "300ms"}
        Path(file).write_text(yaml.safe_dump(config))
        done = await council("run", file, "What is 17 + 25?", "--json")
    result = json.loads(done.stdout)
    assert done.returncode == 0
    assert (result["status"], result["answer"]) == ("degraded", "17 + 25 = 42.")
    assert result["experts"][1]["status"] == "failed"
    assert result["reasons"][0].startswith("B: ")
    assert cause in result["reasons"][0]
    assert f"degraded: {result['reasons'][0]}" in done.stderr


async def test_all_dead_is_a_lost_quorum(tmp_path: Path) -> None:
    dead = f"http://127.0.0.1:{unused_port()}"
    done = await council(
        "run", panel(tmp_path, dead, dead, dead), "?", "--deadline", "20s", "--json"
    )
    assert done.returncode == 3
    assert "quorum lost: 0 of 2" in done.stderr
    result = json.loads(done.stdout)
    assert (result["status"], result["answer"], result["error"]["kind"]) == (
        "failed",
        None,
        "quorum",
    )


async def test_a_passed_deadline(tmp_path: Path) -> None:
    async with raw_server([STREAM_HEAD, until_closed]) as server:
        done = await council("run", panel(tmp_path, server, server), "?", "--deadline", "300ms")
    assert done.returncode == 4
    assert "deadline of 0.3 s passed" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nowhere.yaml", "?"], "nowhere.yaml: No such file"),
        (["run", "configs/panel.yaml"], "no question"),
        (["run", "configs/panel.yaml", "?", "--seed", "-1"], "--seed"),
        (["run", "configs/panel.yaml", ""], "no question"),
        (["run", "configs/panel.yaml", "?", "--strategy", "vot"], "did you mean 'vote'?"),
        (["run", "configs/panel.yaml", "?", "--deadline", "soon"], "--deadline: expected seconds"),
        (["run", "configs/panel.yaml", "?", "--deadline", "-1"], "--deadline"),
        (["run"], "Missing argument"),
        (["run", "configs/panel.yaml", "?", "--no-such-option"], "No such option"),
        (["rum"], "No such command"),
    ],
)
async def test_usage_errors(arguments: list[str], message: str) -> None:
    done = await council(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


async def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COUNCIL, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_an_interrupt_prints_what_there_is(
    tmp_path: Path, good: RawServer, number: signal.Signals, code: int
) -> None:
    reply: list[Step] = [STREAM_HEAD, chunked(delta("half an answer\n")), until_closed]
    async with raw_server(reply) as server:
        process = await start("run", panel(tmp_path, server, good), "?")
        assert process.stderr is not None
        seen: set[str] = set()
        while not {"half", "done"} <= seen:
            line = await anyio.to_thread.run_sync(process.stderr.readline)
            assert line, "the process ended too early"
            seen |= {word for word in ("half", "done") if word in line}
        process.send_signal(number)
        sent = time.monotonic()
        out, err = await anyio.to_thread.run_sync(process.communicate)
        took = time.monotonic() - sent
    assert process.returncode == code
    assert "interrupted; so far:\nA (partial): half an answer\nB: 17 + 25 = 42.\n" in err
    assert out == ""
    assert "Traceback" not in err
    assert took < 1.0


async def test_an_interrupt_with_json_prints_a_result(tmp_path: Path) -> None:
    reply: list[Step] = [STREAM_HEAD, chunked(delta("half\n")), until_closed]
    async with raw_server(reply) as server:
        process = await start("run", panel(tmp_path, server), "?", "--json")
        assert process.stderr is not None
        while "half" not in await anyio.to_thread.run_sync(process.stderr.readline):
            pass
        process.send_signal(signal.SIGINT)
        out, _ = await anyio.to_thread.run_sync(process.communicate)
    result = json.loads(out)
    assert process.returncode == 130
    assert (result["status"], result["error"]["kind"]) == ("failed", "interrupted")
    assert result["experts"][0]["text"] == "half\n"


async def shell(command: str) -> subprocess.CompletedProcess[str]:
    def call() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", command], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
        )

    return await anyio.to_thread.run_sync(call)


async def test_an_answer_survives_the_loss_of_standard_error(
    tmp_path: Path, good: RawServer
) -> None:
    for lost in ("2>&-", "2>/dev/full"):
        done = await shell(
            f"{sys.executable} -m council.cli run {panel(tmp_path, good)} '?' {lost}"
        )
        assert (done.returncode, done.stdout) == (0, "17 + 25 = 42.\n")


async def test_an_answer_that_cannot_be_written_is_a_clear_failure(
    tmp_path: Path, good: RawServer
) -> None:
    for lost in (">&-", ">/dev/full", "--json >/dev/full", "--events >/dev/full"):
        done = await shell(
            f"{sys.executable} -m council.cli run {panel(tmp_path, good)} '?' {lost}"
        )
        assert done.returncode == 1
        assert "standard output cannot be written to" in done.stderr
        assert "Traceback" not in done.stderr


async def test_a_closed_standard_input_is_no_traceback(tmp_path: Path, good: RawServer) -> None:
    done = await shell(f"{PYTHON_M} run {panel(tmp_path, good)} - <&-")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


async def test_control_characters_of_a_model_do_not_reach_the_terminal(tmp_path: Path) -> None:
    async with raw_server(whole_reply("\x1b]0;pwned\x07\x1b[2J42\r")) as server:
        done = await council("run", panel(tmp_path, server), "How many?")
    assert not set(done.stderr) & {"\x1b", "\x07", "\r"}


async def test_a_server_that_never_stops_costs_its_own_answer(
    tmp_path: Path, good: RawServer
) -> None:
    flood: list[Step] = [STREAM_HEAD, *[chunked(delta("tok " * 5000) * 20)] * 100, until_closed]
    async with raw_server(flood) as server:
        done = await council("run", panel(tmp_path, good, server, good), "How many?", "--json")
    result = json.loads(done.stdout)
    assert (result["status"], result["answer"]) == ("degraded", "17 + 25 = 42.")
    assert "longer than 4194304 characters" in result["reasons"][0]


async def test_input_that_is_not_utf_8(tmp_path: Path, good: RawServer) -> None:
    command = f"printf 'caf\\351' | {sys.executable} -m council.cli run {panel(tmp_path, good)} -q"

    def call() -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)

    done = await anyio.to_thread.run_sync(call)
    assert (done.returncode, done.stdout) == (0, "17 + 25 = 42.\n"), done.stderr


async def test_a_plain_number_of_seconds_is_a_deadline(tmp_path: Path, good: RawServer) -> None:
    done = await council("run", panel(tmp_path, good), "?", "--deadline", "30", "-q")
    assert done.returncode == 0


async def test_terminating_council_backend_ends_the_server() -> None:
    process = await start("backend", "--model", "builtin:sage", "--port", "0")
    assert process.stderr is not None
    while "ready on" not in await anyio.to_thread.run_sync(process.stderr.readline):
        assert process.poll() is None
    family = {process.pid} | children(process.pid)
    assert len(family) == 2
    process.terminate()
    await anyio.to_thread.run_sync(process.communicate)
    assert process.returncode == 0
    assert not any(alive(pid) for pid in family)


async def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path, good: RawServer) -> None:
    command = f"{sys.executable} -m council.cli run {panel(tmp_path, good)} '?' --events | head -1"

    def call() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", command], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
        )

    done = await anyio.to_thread.run_sync(call)
    assert json.loads(done.stdout)["type"] == "run.started"
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr


async def test_a_run_whose_events_nobody_reads_is_stopped(tmp_path: Path) -> None:
    reply: list[Step] = [STREAM_HEAD, chunked(delta("one ")), chunked(delta("two ")), until_closed]
    async with raw_server(reply) as server:
        process = await start("run", panel(tmp_path, server), "?", "--events", "--no-store")
        assert process.stdout is not None
        process.stdout.close()
        assert await anyio.to_thread.run_sync(process.wait, 100) == 141
        assert process.stderr is not None
        with process.stderr:
            err = process.stderr.read()
    assert err == "stopped: nobody reads the events any more\n"


async def test_going_on_with_a_run_that_is_not_kept_is_a_usage_error(
    tmp_path: Path, good: RawServer
) -> None:
    file, store = panel(tmp_path, good), str(tmp_path / "runs.sqlite3")
    assert (await council("run", file, "?", "--store", store)).returncode == 0
    for call in (("run", file, "?", "--continue", "nope"), ("replay", "nope"), ("resume", "nope"),
                 ("chat", file, "?", "--continue", "nope")):  # fmt: skip
        done = await council(*call, "--store", store)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert "no run 'nope' is kept" in done.stderr


def test_what_a_terminal_would_obey_goes_as_a_whole() -> None:
    said = "\x1b[31mred\x1b[0m \x1b]0;title\x07\x9b2Jb \u202eevil\u202c \u2066c\u2069 \x1bz"
    assert harmless(said) == "red b evil c z"


async def test_help_and_version() -> None:
    for arguments in ([], ["--help"], ["run", "--help"], ["config", "--help"]):
        done = await council(*arguments, TERM="dumb")
        assert "council run" in done.stdout + done.stderr or "check" in done.stdout
    done = await council("run", "--help")
    assert "Exit codes: 0 answered" in done.stdout
    done = await council("--version")
    assert done.stdout.startswith("council 0.")


async def test_config_check_and_schema(tmp_path: Path) -> None:
    done = await council("config", "check", "configs/panel.yaml")
    assert (done.returncode, done.stdout) == (0, "configs/panel.yaml: ok (abacus, atlas, sage)\n")
    bad = tmp_path / "bad.yaml"
    bad.write_text("experts: []\nmodle: 1\n")
    done = await council("config", "check", "configs/panel.yaml", str(bad))
    assert done.returncode == 2
    assert f"{bad}:2: modle: unknown key" in done.stderr
    done = await council("config", "schema")
    assert json.loads(done.stdout)["required"] == ["experts"]
