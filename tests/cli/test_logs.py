"""`council logs`: list, show, search, export, delete, path; and what a broken store costs."""

from __future__ import annotations

import json
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import closing
from pathlib import Path

import anyio.to_thread
import pytest

from council.events import from_json
from council.testing import RawServer, raw_server, whole_reply
from tests.support.kept import ROOT, Kept
from tests.support.typed import typed

pytestmark = pytest.mark.anyio


@pytest.fixture
async def server() -> AsyncGenerator[RawServer, None]:
    async with raw_server(whole_reply("It is 42.")) as server:
        yield server


@pytest.fixture
async def kept(tmp_path: Path, server: RawServer) -> Kept:
    """A store with two runs."""
    kept = Kept(tmp_path)
    for question in ("How many?", "How many legs has a spider?\nSay why."):
        done = await kept.council("run", kept.panel(server, server), question)
        assert done.returncode == 0, done.stderr
    return kept


async def test_a_shown_run_is_harmless_on_a_terminal_and_whole_in_a_pipe(tmp_path: Path) -> None:
    async with raw_server(whole_reply("\x1b[2J\x1b]0;pwned\x07It is 42.")) as server:
        kept = Kept(tmp_path)
        await kept.council("run", kept.panel(server), "How\x1b[31m many?")
    for call in (("show", "last"), ("export", "last", "--format", "md")):
        piped = await kept.council("logs", *call)
        assert "\x1b[2J" in piped.stdout
        assert "How\x1b[31m many?" in piped.stdout
        with typed("logs", *call, env=kept.environment) as seen:
            assert await seen.end() == 0
        assert "It is 42." in seen.shown
        assert "\x1b" not in seen.shown
        assert "pwned" not in seen.shown


async def test_list(kept: Kept) -> None:
    done = await kept.council("logs", "list")
    newest, oldest = done.stdout.splitlines()
    record = kept.store.run("last")
    assert newest.startswith(record.id[:8])
    assert newest.endswith("complete     vote        How many legs has a spider? Say why.")
    assert oldest.endswith("How many?")
    done = await kept.council("logs", "list", "--limit", "1", "--json")
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["answer"] == "It is 42."
    assert json.loads(line)["id"] == record.id


async def test_show(kept: Kept) -> None:
    done = await kept.council("logs", "show", "last")
    for part in (
        "# How many legs",
        kept.store.run("last").id,
        "## Answer\n\nIt is 42.",
        "## B (m)",
    ):
        assert part in done.stdout
    done = await kept.council("logs", "show", "nothing")
    assert (done.returncode, done.stdout) == (2, "")
    assert "council: error: no run 'nothing' is kept: see council logs list" in done.stderr


async def test_search(kept: Kept) -> None:
    done = await kept.council("logs", "search", "spider legs")
    assert done.returncode == 0
    assert "question: How many legs has a spider? Say why." in done.stdout
    assert len(done.stdout.splitlines()) == 1
    done = await kept.council("logs", "search", "octopus")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "nothing found\n")


async def test_export(kept: Kept) -> None:
    done = await kept.council("logs", "export", "--all")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    types = [line["type"] for line in lines]
    assert types.count("run") == types.count("run.finished") == 2
    assert types.count("request") == types.count("reply") == 4
    assert lines[0]["question"] == "How many?"
    request = next(line for line in lines if line["type"] == "request")
    assert request["body"]["messages"][0]["content"] == "How many?"
    reply = next(line for line in lines if line["type"] == "reply")
    assert reply["tokens"][0]["text"] == "It is 42."
    one = await kept.council("logs", "export", "last")
    assert done.stdout.endswith(one.stdout)
    events = [line for line in one.stdout.splitlines() if ".started" in line or ".token" in line]
    assert from_json(events[0]).type == "run.started"
    document = await kept.council("logs", "export", "last", "--format", "md")
    assert document.stdout.startswith("# How many legs has a spider? Say why.\n")
    file = await kept.council("logs", "export", "last", "--format", "html")
    assert file.stdout.startswith("<!doctype html>\n")
    assert "<title>How many legs has a spider? Say why.</title>" in file.stdout
    for arguments in ([], ["last", "--all"]):
        done = await kept.council("logs", "export", *arguments)
        assert (done.returncode, "give a RUN, or --all" in done.stderr) == (2, True)
    done = await kept.council("logs", "export", "--all", "--format", "html")
    assert (done.returncode, "a page shows one run" in done.stderr) == (2, True)


async def test_delete(kept: Kept) -> None:
    id = kept.store.run("last").id
    done = await kept.council("logs", "delete", id[:9])
    assert (done.returncode, done.stderr) == (0, f"deleted run {id}\n")
    assert [run.question for run in kept.store.runs()] == ["How many?"]
    done = await kept.council("logs", "delete", "--older-than", "1d")
    assert done.stderr == "deleted 0 runs\n"
    done = await kept.council("logs", "delete", "--older-than", "30")
    assert (done.returncode, "expected an age like 30d" in done.stderr) == (2, True)
    done = await kept.council("logs", "delete", "--older-than", "0s")
    assert done.stderr == "deleted 1 runs\n"
    done = await kept.council("logs", "list")
    assert (done.stdout, done.stderr) == ("", f"no run is kept in {kept.path}\n")


async def test_path(kept: Kept) -> None:
    done = await kept.council("logs", "path")
    assert done.stdout == f"{kept.path}\n"


@pytest.mark.parametrize("command", ["logs list", "logs search x", "logs show last", "replay last"])
async def test_a_file_that_is_no_store(tmp_path: Path, command: str) -> None:
    file = tmp_path / "file"
    file.write_text("no database " * 1000)
    done = await Kept(tmp_path).council(*command.split(), "--store", str(file))
    assert done.returncode == 1
    assert f"{file}: file is not a database" in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_full_disk_costs_the_record_and_not_the_answer(kept: Kept) -> None:
    # No file of this process may grow past a few blocks.
    command = (
        f"ulimit -f 16; exec {sys.executable} -m council.cli run {shlex.quote(kept.panel_file)}"
        f" {shlex.quote('How many? ' * 3000)}"
    )

    def call() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=kept.environment,
            timeout=100,
            check=False,
        )

    done = await anyio.to_thread.run_sync(call)
    assert (done.returncode, done.stdout) == (0, "It is 42.\n")
    assert done.stderr.count("council: warning: not kept: ") == 1
    assert str(kept.path) in done.stderr
    assert "Traceback" not in done.stderr
    # What was there before is there still.
    assert [run.question for run in kept.store.runs()][-1] == "How many?"


async def test_a_held_file_costs_the_record_and_not_the_answer(kept: Kept) -> None:
    with closing(sqlite3.connect(kept.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = await kept.council("run", kept.panel_file, "A third question?")
        other.execute("ROLLBACK")
    assert (done.returncode, done.stdout) == (0, "It is 42.\n")
    assert done.stderr.count("council: warning: not kept: ") == 1
    assert "database is locked" in done.stderr
    assert len(kept.store.runs()) == 2
