"""Writing beside a run: at once, without holding it up, and whatever becomes of the file."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

import council
from council.agents.scripted import ScriptedAgent
from council.events import ExpertToken
from council.store import writer
from council.store.store import Store
from tests.support.processes import wait_until

pytestmark = pytest.mark.anyio

PANEL = [ScriptedAgent("ada", "It is 42.")]


async def until(condition: Callable[[], object]) -> None:
    """Waits for what another connection gets to see."""
    await anyio.to_thread.run_sync(wait_until, condition, 60.0)


@contextmanager
def held(path: Path) -> Iterator[sqlite3.Connection]:
    """The file with somebody else in the middle of a transaction."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


async def test_a_finished_reply_is_there_while_the_run_goes_on(tmp_path: Path) -> None:
    seen, go_on = anyio.Event(), anyio.Event()

    async def wait() -> None:
        seen.set()
        await go_on.wait()

    path = tmp_path / "runs.sqlite3"
    panel = [ScriptedAgent("ada", "done"), ScriptedAgent("bob", ["half ", wait, "whole"])]
    with Store(path) as store:
        async with council.open_council(panel, store=store) as opened, opened.stream("?") as run:
            async for event in run:
                if event.type == "expert.finished":
                    break
            await seen.wait()
            with Store(path) as other:  # as another process would, without this one's flush
                await until(lambda: other.runs() and any(r.tokens for r in other.replies("last")))
                assert [bool(reply.tokens) for reply in other.replies("last")] == [True, False]
                assert (other.run("last").status, other.run("last").alive) == ("running", True)
            go_on.set()
            async for _ in run:
                pass
        assert store.run("last").status == "complete"


async def test_tokens_alone_are_written_soon(tmp_path: Path) -> None:
    go_on = anyio.Event()
    panel = [ScriptedAgent("ada", ["one ", "two ", go_on.wait, "three"])]
    path = tmp_path / "runs.sqlite3"
    with Store(path) as store, Store(path) as other:
        async with council.open_council(panel, store=store) as opened, opened.stream("?") as run:
            async for event in run:
                if isinstance(event, ExpertToken) and event.text == "two":
                    break
            await until(lambda: other.runs() and "two" in "".join(other.lines("last")))
            go_on.set()


async def test_a_file_that_is_held_costs_neither_answer_nor_record(tmp_path: Path) -> None:
    warnings: list[str] = []
    with Store(tmp_path / "runs.sqlite3", on_warning=warnings.append) as store:
        await council.ask("first", panel=PANEL, store=store)
        store.flush()
        with held(store.path) as other:
            result = await council.ask("second", panel=PANEL, store=store)
            assert result.answer == "It is 42."
            other.execute("ROLLBACK")
        assert [run.question for run in store.runs()] == ["second", "first"]
        assert store.run("last").status == "complete"
        assert warnings == []


async def test_a_file_that_stays_held_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PATIENCE", 0.0)
    monkeypatch.setattr(writer, "_LAST_PATIENCE", 0.1)
    warned = threading.Event()
    warnings: list[str] = []

    def warn(text: str) -> None:
        warnings.append(text)
        warned.set()

    store = Store(tmp_path / "runs.sqlite3", on_warning=warn)
    await council.ask("first", panel=PANEL, store=store)
    store.flush()
    with held(store.path):
        for _ in range(3):
            result = await council.ask("second", panel=PANEL, store=store)
            assert result.answer == "It is 42."
        assert await anyio.to_thread.run_sync(warned.wait, 60)
        await anyio.to_thread.run_sync(store.close)
    assert len(warnings) == 1
    assert "another process holds the file" in warnings[0]


@pytest.mark.parametrize("place", ["a file in the way", "no folder can be made", "no database"])
async def test_a_file_that_cannot_be_written_costs_no_answer(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("not a database, but long enough to be taken for one " * 100)
    path = {
        "a file in the way": tmp_path / "file" / "runs.sqlite3",
        "no folder can be made": Path("/proc/nowhere/runs.sqlite3"),
        "no database": tmp_path / "file",
    }[place]
    warnings: list[str] = []
    with Store(path, on_warning=warnings.append) as store:
        for _ in range(2):
            result = await council.ask("?", panel=PANEL, store=store)
            assert result.answer == "It is 42."
        store.flush()
        assert not store.keeping
    assert len(warnings) == 1
    assert str(path) in warnings[0]
    assert "--store" in warnings[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="modes do not bind root")
async def test_a_folder_without_leave_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    warnings: list[str] = []
    with Store(tmp_path / "runs.sqlite3", on_warning=warnings.append) as store:
        result = await council.ask("?", panel=PANEL, store=store)
    assert result.answer == "It is 42."
    assert "Permission denied" in warnings[0]


WRITER = """
import asyncio, sys
import council

async def main():
    panel = [council.ScriptedAgent(id, "It is 42.") for id in "ab"]
    async with council.open_council(panel, store=sys.argv[1]) as opened:
        for number in range(20):
            await opened.ask(f"{sys.argv[2]} {number}")

sys.stdin.readline()
asyncio.run(main())
"""


def test_processes_write_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "runs.sqlite3"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), name],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("left", "right", "middle")
    ]
    for process in processes:  # all at once: the file and its tables are made by one of them
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, err = process.communicate(timeout=100)
        assert (process.returncode, err) == (0, "")
    store = Store(path)
    runs = store.runs()
    expected = {f"{name} {number}" for name in ("left", "right", "middle") for number in range(20)}
    assert {run.question for run in runs} == expected
    assert {run.status for run in runs} == {"complete"}
    for run in runs:
        assert len(store.replies(run.id)) == 2
        types = [event.type for event in store.events(run.id)]
        assert (types[0], types[-1]) == ("run.started", "run.finished")


async def test_a_run_deleted_while_it_goes_on_breaks_nothing(tmp_path: Path) -> None:
    go_on = anyio.Event()
    panel = [ScriptedAgent("ada", ["one ", go_on.wait, "two"])]
    warnings: list[str] = []
    with Store(tmp_path / "runs.sqlite3", on_warning=warnings.append) as store:
        async with council.open_council(panel, store=store) as opened, opened.stream("?") as run:
            async for event in run:
                if isinstance(event, ExpertToken):
                    break
            store.delete("last")
            go_on.set()
            async for _ in run:
                pass
        await council.ask("after", panel=PANEL, store=store)
        assert [run.question for run in store.runs()] == ["after"]
    assert warnings == []


async def test_what_no_json_can_hold_costs_its_part_alone(tmp_path: Path) -> None:
    warnings: list[str] = []
    panel = [ScriptedAgent("ada", "whole \udc80 broken"), ScriptedAgent("bob", "fine")]
    with Store(tmp_path / "runs.sqlite3", on_warning=warnings.append) as store:
        async with council.open_council(panel, store=store) as opened, opened.stream("?") as run:
            async for _ in run:
                pass
        assert store.run(run.id).question == "?"
        assert any(reply.tokens for reply in store.replies(run.id))
        assert len(warnings) == 1
        await council.ask("after", panel=PANEL, store=store)
        assert store.run("last").status == "complete"


FORGETFUL = """
import asyncio, sys
import council

async def main():
    panel = [council.ScriptedAgent("ada", "It is 42.")]
    await council.ask("?", panel=panel, store=council.Store(sys.argv[1]))

asyncio.run(main())
"""


def test_a_store_that_nobody_closes_is_written_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    done = subprocess.run(
        [sys.executable, "-c", FORGETFUL, str(path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert Store(path).run("last").answer == "It is 42."
    assert [file.name for file in tmp_path.iterdir()] == ["runs.sqlite3"]


async def test_a_store_can_be_used_after_it_was_closed(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.sqlite3")
    for question in ("one", "two"):
        await council.ask(question, panel=PANEL, store=store)
        store.close()
        store.close()
    assert [run.question for run in store.runs()] == ["two", "one"]
    assert not [thread for thread in threading.enumerate() if thread.name == "council-store"]
