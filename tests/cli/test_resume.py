"""`council resume`: what was answered before a run was cut down is not asked again."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
import yaml

from council.store.store import Store
from council.testing import (
    STREAM_HEAD,
    Step,
    chunked,
    delta,
    plain_reply,
    raw_server,
    until_closed,
    unused_port,
    whole_reply,
)
from tests.support.kept import Kept
from tests.support.processes import wait_until

pytestmark = pytest.mark.anyio

HALF: list[Step] = [STREAM_HEAD, chunked(delta("17 + 25 = ")), until_closed]
WHOLE = whole_reply("17 + 25 ", "= 42.")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


async def read_until(
    process: subprocess.Popen[str], done: Callable[[list[dict[str, object]]], object]
) -> None:
    """Reads `--events` until they are such as wanted."""
    assert process.stdout is not None
    events: list[dict[str, object]] = []
    while not done(events):
        line = await anyio.to_thread.run_sync(process.stdout.readline)
        assert line, "the process ended too early"
        events.append(json.loads(line))


def whole_replies(store: Store) -> int:
    """How many replies of the latest run are in the file."""
    return sum(bool(reply.tokens) for reply in store.replies("last")) if store.runs() else 0


async def kill_in_the_middle(kept: Kept, *servers: str, number: int = signal.SIGKILL) -> str:
    """Runs a panel until one expert is done and another one writes, then kills it."""
    process = kept.start("run", kept.panel(*servers), "What is 17 + 25?", "--events")
    await read_until(
        process,
        lambda events: (
            {"expert.finished", "expert.token"} <= {str(event["type"]) for event in events}
            and any(event.get("text") == "17 + 25 = " for event in events)
        ),
    )
    store = kept.store
    await anyio.to_thread.run_sync(
        wait_until,
        lambda: whole_replies(store),
        60.0,
    )
    process.send_signal(number)
    await anyio.to_thread.run_sync(process.communicate)
    return store.run("last").id


async def test_a_killed_run_goes_on_where_it_was(kept: Kept) -> None:
    async with raw_server(WHOLE) as quick, raw_server(HALF, WHOLE) as slow:
        old = await kill_in_the_middle(kept, quick.url, slow.url)
        assert (len(quick.requests), len(slow.requests)) == (1, 1)
        assert kept.store.run(old).state == "broken off"
        listed = await kept.council("logs", "list")
        assert "broken off" in listed.stdout
        listed = await kept.council("logs", "list", "--json")
        assert json.loads(listed.stdout)["status"] == "broken off"
        shown = await kept.council("logs", "show", "last")
        (tokens,) = re.findall(r"^- tokens: (\d+)$", shown.stdout, re.MULTILINE)
        # Nobody added up what the one who was done had used.
        assert (int(tokens) > 0, kept.store.run(old).usage.total_tokens) == (True, 0)
        done = await kept.council("resume", old[:10], "--json")
        assert (len(quick.requests), len(slow.requests)) == (1, 2)
    result = json.loads(done.stdout)
    assert done.returncode == 0
    assert (result["status"], result["answer"]) == ("complete", "17 + 25 = 42.")
    assert f"A | (from the record of run {old[:8]})" in done.stderr
    record = kept.store.run("last")
    assert (record.id, record.parent, record.origin) == (result["run_id"], old, "resume")
    # The record of then is as it was.
    assert kept.store.run(old).status == "running"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_run_says_how_to_go_on(kept: Kept, number: signal.Signals) -> None:
    async with raw_server(WHOLE) as quick, raw_server(HALF, WHOLE) as slow:
        process = kept.start("run", kept.panel(quick, slow), "What is 17 + 25?")
        assert process.stderr is not None
        while "done" not in await anyio.to_thread.run_sync(process.stderr.readline):
            assert process.poll() is None
        # The other one may have said nothing yet: its server has been asked, in any case.
        await anyio.to_thread.run_sync(wait_until, lambda: slow.requests, 60.0)
        process.send_signal(number)
        _, err = await anyio.to_thread.run_sync(process.communicate)
        record = kept.store.run("last")
        assert record.status == "interrupted"
        hint = f"council resume {record.id[:8]}"
        assert hint in err
        done = await kept.council(*hint.split()[1:])
        assert (done.returncode, done.stdout) == (0, "17 + 25 = 42.\n")
        assert (len(quick.requests), len(slow.requests)) == (1, 2)


async def test_a_resumed_run_can_be_resumed(kept: Kept) -> None:
    down = plain_reply("500 Internal Server Error", "{}")
    async with (
        raw_server(WHOLE) as one,
        raw_server(down, WHOLE) as two,
        raw_server(down, down, WHOLE) as three,
    ):
        config = kept.panel(one, two, three, limits={"quorum": 3})
        for code in (3, 3, 0):
            command = ["resume", "last"] if one.requests else ["run", config, "17 + 25?"]
            done = await kept.council(*command)
            assert done.returncode == code, done.stderr
        assert [len(server.requests) for server in (one, two, three)] == [1, 2, 3]
    assert done.stdout == "17 + 25 = 42.\n"
    assert [run.origin for run in kept.store.runs()] == ["resume", "resume", "run"]


async def test_several_rounds_go_on_at_the_right_one(kept: Kept) -> None:
    # The synthesizer is cut off; both proposals are there.
    async with raw_server(WHOLE, WHOLE, HALF, WHOLE) as server:
        config = kept.panel(server, server, strategy="synthesize", synthesizer="A")
        process = kept.start("run", config, "?", "--events", "--seed", "5")
        await read_until(process, lambda events: any(e.get("stage") == "synthesis" for e in events))
        await anyio.to_thread.run_sync(wait_until, lambda: len(server.requests) == 3, 60.0)
        store = kept.store
        await anyio.to_thread.run_sync(wait_until, lambda: whole_replies(store) == 2, 60.0)
        process.kill()
        await anyio.to_thread.run_sync(process.communicate)
        done = await kept.council("resume", "last")
        assert (done.returncode, done.stdout) == (0, "17 + 25 = 42.\n"), done.stderr
        assert len(server.requests) == 4
        # The same lots were drawn: the synthesizer is asked the very same.
        assert server.requests[2].json["messages"] == server.requests[3].json["messages"]
    assert kept.store.run("last").seed == 5


async def test_a_panel_that_has_changed_is_refused(kept: Kept) -> None:
    dead = f"http://127.0.0.1:{unused_port()}"
    async with raw_server(WHOLE) as server:
        await kept.council("run", kept.panel(server, dead), "?")
        config = yaml.safe_load(Path(kept.panel_file).read_text())
        config["experts"][1].update(persona="You doubt.", endpoint=server.url)
        config["experts"][0]["sampling"] = {"temperature": 0.5}
        Path(kept.panel_file).write_text(yaml.safe_dump(config))
        done = await kept.council("resume", "last")
        assert done.returncode == 1
        assert f"{kept.panel_file}: changed since run" in done.stderr
        assert "in A.sampling, B.persona: pass --anyway" in done.stderr
        assert len(server.requests) == 1
        done = await kept.council("resume", "last", "--anyway")
        # Nobody had been asked that: both are asked now.
        assert (done.returncode, len(server.requests)) == (0, 3)


async def test_another_endpoint_asks_the_same(kept: Kept) -> None:
    dead = f"http://127.0.0.1:{unused_port()}"
    async with raw_server(WHOLE) as server:
        assert (await kept.council("run", kept.panel(server, dead), "?")).returncode == 3
        kept.panel(server, server)
        done = await kept.council("resume", "last")
        assert (done.returncode, len(server.requests)) == (0, 2)


async def test_a_panel_file_that_was_moved(kept: Kept) -> None:
    async with raw_server(WHOLE) as server:
        await kept.council("run", kept.panel(server), "?")
        moved = kept.folder / "moved.yaml"
        Path(kept.panel_file).rename(moved)
        done = await kept.council("resume", "last")
        assert (done.returncode, "No such file" in done.stderr) == (2, True)
        done = await kept.council("resume", "last", "--panel", str(moved))
        assert (done.returncode, len(server.requests)) == (0, 1)


async def test_a_run_that_goes_on_is_left_alone(kept: Kept) -> None:
    async with raw_server(HALF) as server:
        process = kept.start("run", kept.panel(server), "?", "--events")
        await read_until(process, lambda events: len(events) > 1)
        store = kept.store
        await anyio.to_thread.run_sync(wait_until, store.runs, 60.0)
        done = await kept.council("resume", "last")
        assert done.returncode == 1
        assert f"still going on in process {process.pid}" in done.stderr
        process.kill()
        await anyio.to_thread.run_sync(process.communicate)


async def test_the_way_on_leads_to_the_same_store(kept: Kept) -> None:
    dead = f"http://127.0.0.1:{unused_port()}"
    elsewhere = str(kept.folder / "an other.db")
    done = await kept.council("run", kept.panel(dead), "?", "--store", elsewhere)
    (hint,) = [line for line in done.stderr.splitlines() if "goes on from here" in line]
    assert f" --store '{elsewhere}' goes" in hint
    command = shlex.split(hint.removesuffix(" goes on from here"))
    async with raw_server(WHOLE) as server:
        kept.panel(server)
        done = await kept.council(*command[1:])
        assert (done.returncode, done.stdout) == (0, "17 + 25 = 42.\n")
    for silent in ("--quiet", "--no-store"):
        done = await kept.council("run", kept.panel(dead), "?", silent)
        assert "goes on from here" not in done.stderr


SCHEMA = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
SUM = whole_reply('{"sum": 42}')


async def test_a_schema_of_the_command_line_is_kept(kept: Kept) -> None:
    dead = f"http://127.0.0.1:{unused_port()}"
    schema, other = kept.folder / "sum.json", kept.folder / "other.json"
    schema.write_text(json.dumps(SCHEMA))
    other.write_text(json.dumps({"type": "object"}))
    async with raw_server(SUM) as server:
        done = await kept.council("run", kept.panel(server, dead), "?", "--schema", str(schema))
        assert done.returncode == 3
        kept.panel(server, server)
        refused = await kept.council("resume", "last", "--schema", str(other))
        assert refused.returncode == 1
        assert "changed since run" in refused.stderr
        assert "in answer_schema: pass --anyway" in refused.stderr
        assert len(server.requests) == 1
        done = await kept.council("resume", "last", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["parsed"] == {"sum": 42}
        assert len(server.requests) == 2
        assert server.requests[1].json["response_format"]["json_schema"]["schema"] == SCHEMA
        done = await kept.council("resume", "last", "--schema", str(schema))
        assert (done.returncode, len(server.requests)) == (0, 2)
    Path(kept.panel_file).unlink()
    done = await kept.council("redecide", "last", "--strategy", "vote", "--json")
    assert json.loads(done.stdout)["parsed"] == {"sum": 42}


async def test_a_panels_schema_that_has_changed_is_a_change(kept: Kept) -> None:
    dead = f"http://127.0.0.1:{unused_port()}"
    async with raw_server(SUM) as server:
        done = await kept.council("run", kept.panel(server, dead, answer_schema=SCHEMA), "?")
        assert done.returncode == 3
        kept.panel(server, server, answer_schema={"type": "object"})
        refused = await kept.council("resume", "last")
        assert (refused.returncode, len(server.requests)) == (1, 1)
        assert "in answer_schema: pass --anyway" in refused.stderr
        kept.panel(server, server, answer_schema=SCHEMA)
        done = await kept.council("resume", "last", "--json")
        assert (done.returncode, len(server.requests)) == (0, 2)
        assert json.loads(done.stdout)["parsed"] == {"sum": 42}


async def test_no_store_keeps_nothing(kept: Kept) -> None:
    async with raw_server(WHOLE) as server:
        await kept.council("run", kept.panel(server), "?", "--no-store")
        assert not kept.path.exists()
        elsewhere = kept.folder / "elsewhere.db"
        await kept.council("run", kept.panel_file, "?", "--store", str(elsewhere))
        assert (kept.path.exists(), elsewhere.exists()) == (False, True)
        await kept.council("resume", "last", "--store", str(elsewhere), "--no-store")
        done = await kept.council("logs", "list", "--store", str(elsewhere))
        assert len(done.stdout.splitlines()) == 1
