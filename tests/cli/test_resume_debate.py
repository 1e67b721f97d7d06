"""`kill -9` in the middle of a debate's second round: nobody who had answered is asked again."""

from __future__ import annotations

import json
import signal
import subprocess
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from council.testing import (
    STREAM_HEAD,
    RawServer,
    Request,
    Step,
    chunked,
    delta,
    until_closed,
    whole_reply,
)
from council.testing.raw_server import serving
from tests.support.kept import Kept
from tests.support.processes import wait_until

pytestmark = pytest.mark.anyio

EXPERTS = {"A": 41, "B": 42, "C": 43}
# Each round's answers hold its word, so that a request tells by those it shows which round it is.
WORDS = ("Independently", "Secondly", "Thirdly", "Finally")
DEBATE = {"name": "debate", "extract": "number", "when": "always", "min_rounds": 3, "max_rounds": 3}


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def round_of(request: Request) -> int:
    """The round that an expert is asked in, by the answers that it is shown."""
    shown = request.json["messages"][-1]["content"]
    return max((number for number, word in enumerate(WORDS, 1) if word in shown), default=0)


class Debater:
    """One expert's server; while it is `gated`, that is its reply in round 2."""

    def __init__(self, number: int, gated: Sequence[Step] | None) -> None:
        self.number = number
        self.gated = gated

    def answer(self, request: Request) -> Sequence[Step]:
        at = round_of(request)
        if at == 2 and self.gated is not None:
            return self.gated
        return whole_reply(f"{WORDS[at]} ", f"it is {self.number}.")


HALF: list[Step] = [STREAM_HEAD, chunked(delta("Thirdly it")), until_closed]
SILENT: list[Step] = [STREAM_HEAD, until_closed]


def asked(servers: dict[str, RawServer]) -> Counter[tuple[int, str]]:
    """How often each expert was asked in each round."""
    return Counter((round_of(r), id) for id, server in servers.items() for r in server.requests)


def is_in_the_middle(events: Sequence[dict[str, Any]]) -> bool:
    """Whether in round 2 one expert has finished and another one has begun to write."""
    of_round = [event for event in events if event.get("stage") == "round-2"]
    done = {e["expert"] for e in events if e["type"] == "expert.finished"
            and e["reply"]["stage"] == "round-2"}  # fmt: skip
    written = {event["expert"] for event in of_round if event.get("text") == "Thirdly it"}
    return (done, written) == ({"A"}, {"B"})


async def killed_in_the_middle(kept: Kept, servers: dict[str, RawServer]) -> str:
    """Runs the debate until then, and kills it; the run's id."""
    config = kept.panel(*servers.values(), strategy=DEBATE)
    process = kept.start("run", config, "How many?", "--events", "--seed", "7")
    assert process.stdout is not None
    events: list[dict[str, Any]] = []
    while not is_in_the_middle(events):
        line = await anyio.to_thread.run_sync(process.stdout.readline)
        assert line, "the process ended too early"
        events.append(json.loads(line))
    # What no event tells: that C was asked too, and that the writer has written what had ended.
    store = kept.store

    def is_written() -> bool:
        # The run itself may still be on its way into the file.
        return any(sum(bool(r.tokens) for r in store.replies(run.id)) == 7 for run in store.runs(1))

    await anyio.to_thread.run_sync(wait_until, lambda: len(servers["C"].requests) == 3, 60.0)
    await anyio.to_thread.run_sync(wait_until, is_written, 60.0)
    process.send_signal(signal.SIGKILL)
    await anyio.to_thread.run_sync(process.communicate)
    assert process.returncode == -signal.SIGKILL
    return store.run("last").id


def output(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(600)  # six processes, one after the other
async def test_a_debate_goes_on_in_its_second_round(kept: Kept) -> None:
    gates = {"A": None, "B": HALF, "C": SILENT}
    debaters = {id: Debater(number, gates[id]) for id, number in EXPERTS.items()}
    async with AsyncExitStack() as stack:
        servers = {
            id: await stack.enter_async_context(serving(debater.answer))
            for id, debater in debaters.items()
        }
        old = await killed_in_the_middle(kept, servers)
        before = asked(servers)
        assert before == Counter((round, id) for round in range(3) for id in EXPERTS)
        for debater in debaters.values():
            debater.gated = None
        resumed = output(await kept.council("resume", old, "--events"))
        # Round 2 again of those who had not finished it, and round 3, which was not reached.
        again = asked(servers) - before
        assert again == Counter([(2, "B"), (2, "C"), (3, "A"), (3, "B"), (3, "C")])
        # They are asked the very same.
        for id in "BC":
            first, second = [r.json for r in servers[id].requests if round_of(r) == 2]
            assert first == second
    result = json.loads(resumed.splitlines()[-1])["result"]
    assert (result["status"], len(result["rounds"])) == ("complete", 4)
    assert [reply["text"] for reply in result["rounds"][2]["replies"]] == [
        f"Thirdly it is {number}." for number in EXPERTS.values()
    ]
    new = kept.store.run("last")
    assert (new.origin, new.parent, new.id) == ("resume", old, result["run_id"])
    for _ in range(2):
        assert output(await kept.council("replay", new.id, "--events")) == resumed
    # The servers are gone: it can be resumed once more, since nobody is left to be asked.
    once_more = json.loads(output(await kept.council("resume", new.id, "--json")))
    assert once_more["answer"] == result["answer"]
