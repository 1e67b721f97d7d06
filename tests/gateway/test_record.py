"""What the record's troubles cost: the record, and no run."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from council.events import RunFinished
from council.gateway.kept_run import KeptRun, kept_run
from council.store.store import Store
from tests.gateway.seats import Moment, three, waiting
from tests.gateway.serving import gateway, result_of, watch

pytestmark = pytest.mark.anyio
RUNS = "/v1/council/runs"
BODY = {"question": "6 * 7?"}


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another program writes to the file, and does not come to an end."""
    with Store(path) as store:
        store.runs()
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute("BEGIN IMMEDIATE")
        yield
    finally:
        database.close()


async def test_a_record_that_is_held_by_another_holds_up_no_run(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    async with gateway({"panel": three()}, store=path) as site, site.client() as web:
        await watch(web, (await web.post(RUNS, json=BODY)).json()["id"])
        with held(path):
            id = (await web.post(RUNS, json=BODY)).json()["id"]
            assert result_of(await watch(web, id))["answer"] == "It is 42."
            assert (await web.get(f"{RUNS}/{id}")).json()["status"] == "complete"
        listed = (await web.get(RUNS)).json()["runs"]
        assert listed[0]["id"] == id
        assert len(listed) == 2


async def test_without_room_for_the_record_runs_come_from_memory(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    path.write_bytes(b"no database at all, " * 400)
    async with gateway({"panel": three()}, store=path) as site, site.client() as web:
        id = (await web.post(RUNS, json=BODY)).json()["id"]
        assert result_of(await watch(web, id))["answer"] == "It is 42."
        store = site.state.store
        assert store is not None
        store.flush()
        assert (await web.get("/health")).json()["keeping"] is False
        listed = (await web.get(RUNS)).json()["runs"]
        assert [run["id"] for run in listed] == [id]
        following = await web.post(RUNS, json={"question": "And?", "continue": id})
        assert following.status_code == 201
        assert (await web.delete(f"{RUNS}/{id}")).status_code == 200
        missing = await web.get(f"{RUNS}/{'0' * 32}")
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "run_not_found")


async def test_a_run_of_a_process_that_has_gone_was_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    moment = Moment()
    async with gateway({"panel": [waiting(moment)]}, store=path) as site, site.client() as web:
        id = (await web.post(RUNS, json=BODY)).json()["id"]
        await moment.reached.wait()
        store = site.state.store
        assert store is not None
        store.flush()
        copy = tmp_path / "copy.sqlite3"
        database = sqlite3.connect(path)
        database.execute(f"VACUUM INTO '{copy}'")
        database.close()
        moment.go_on.set()
    elsewhere = kept_run(Store(copy), id, {})
    assert isinstance(elsewhere, KeptRun)
    assert (elsewhere.status, elsewhere.result) == ("running", None)  # this very process runs it
    database = sqlite3.connect(copy)
    database.execute("UPDATE runs SET pid = ?", (gone(),))
    database.commit()
    database.close()
    async with gateway({"panel": three()}, store=copy) as site, site.client() as web:
        result = result_of(await watch(web, id))
        assert (result["status"], result["error"]["kind"]) == ("failed", "interrupted")
        assert result["question"] == "6 * 7?"
        found = (await web.get(f"{RUNS}/{id}")).json()
        assert (found["status"], found["result"]) == ("interrupted", result)
        assert [run["status"] for run in (await web.get(RUNS)).json()["runs"]] == ["interrupted"]


def gone() -> int:
    """The number of a process that has ended."""
    child = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(child, 0)
    return child


async def test_the_last_event_of_an_interrupted_run_is_numbered_like_the_others(
    tmp_path: Path,
) -> None:
    path = tmp_path / "runs.sqlite3"
    moment = Moment()
    async with gateway({"panel": [waiting(moment)]}, store=path) as site, site.client() as web:
        id = (await web.post(RUNS, json=BODY)).json()["id"]
        await moment.reached.wait()
        await web.post(f"{RUNS}/{id}/cancel")
    with Store(path) as store:
        run = kept_run(store, id, {})
        assert run is not None
        seen = [numbered async for numbered in run.watch()]
        assert [numbered.number for numbered in seen] == list(range(1, run.count + 1))
        last = seen[-1].event
        assert isinstance(last, RunFinished)
        assert last.result == run.result
        assert last.result.error is not None
        told = [(reply.status, reply.text) for reply in last.result.experts]
        assert told == [("cancelled", "It")]
