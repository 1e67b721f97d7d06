"""`council replay`: the same bytes again, with nobody asked."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

import anyio.to_thread
import pytest

from council.testing import (
    STREAM_HEAD,
    chunked,
    delta,
    plain_reply,
    raw_server,
    until_closed,
    whole_reply,
)
from tests.support.kept import Kept
from tests.support.processes import wait_until

pytestmark = pytest.mark.anyio

TEXTS = ("17 + 25 ", "= 42.\n", 'Größe \u2028 \x1b[1m «日本» \\ " \x00 end')


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


@pytest.mark.parametrize("form", ["--events", "--json", None])
async def test_replay_prints_the_same_bytes(kept: Kept, form: str | None) -> None:
    down = plain_reply("500 Internal Server Error", "{}")
    forms = [form] if form else []
    async with raw_server(whole_reply(*TEXTS)) as good, raw_server(down) as bad:
        first = await kept.council("run", kept.panel(good, bad, good), "Was ist das?", *forms)
        requests = len(good.requests)
    again = await kept.council("replay", "last", *forms, "--speed", "max")
    assert first.stdout
    assert again.stdout == first.stdout
    assert again.stderr == first.stderr
    assert again.returncode == first.returncode
    assert requests == 2


async def test_replay_of_a_failure_fails_alike(kept: Kept) -> None:
    down = plain_reply("500 Internal Server Error", "{}")
    async with raw_server(down) as bad:
        first = await kept.council("run", kept.panel(bad, bad), "?", "--quiet")
    again = await kept.council("replay", "last", "--quiet")
    assert (again.returncode, again.stderr) == (first.returncode, first.stderr)
    assert again.returncode == 3


async def test_replay_takes_the_time_it_took_or_the_part_asked_for(kept: Kept) -> None:
    async with raw_server(whole_reply("42")) as server:
        await kept.council("run", kept.panel(server), "?")
    took = 40.0
    lines = kept.store.lines("last")
    # As if it had gone on for long.
    at = json.loads(lines[-1])["at"]
    events = [json.loads(line) for line in lines]
    stretched = [json.dumps({**event, "at": event["at"] * took / at}) for event in events]
    with sqlite3.connect(kept.path) as other:
        other.execute("DELETE FROM events")
        other.execute("INSERT INTO events SELECT number, 0, ? FROM runs", ("\n".join(stretched),))
    other.close()
    started = time.monotonic()
    done = await kept.council("replay", "last", "--speed", "20")
    assert time.monotonic() - started >= took / 20
    assert (done.returncode, done.stdout) == (0, "42\n")
    for wrong in ("0", "-1", "soon", "nan", "inf"):
        done = await kept.council("replay", "last", f"--speed={wrong}")
        assert (done.returncode, "--speed: expected a positive" in done.stderr) == (2, True)


async def test_a_run_without_an_end_is_replayed_as_far_as_it_is_known(kept: Kept) -> None:
    async with raw_server(
        [STREAM_HEAD, chunked(delta("half an answer\n")), until_closed]
    ) as server:
        process = kept.start("run", kept.panel(server), "?", "--events")
        assert process.stdout is not None
        while "half an answer" not in await anyio.to_thread.run_sync(process.stdout.readline):
            assert process.poll() is None
        store = kept.store
        await anyio.to_thread.run_sync(
            wait_until, lambda: store.runs() and "half" in "".join(store.lines("last")), 60.0
        )
        process.kill()
        await anyio.to_thread.run_sync(process.communicate)
    done = await kept.council("replay", "last", "--speed", "max")
    assert (done.returncode, done.stdout) == (1, "")
    assert "A | half an answer" in done.stderr
    assert "has no result, it is broken off: council resume" in done.stderr
