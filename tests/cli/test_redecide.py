"""`council redecide`: another decision from the same answers, with nobody left to ask."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from council.testing import Request, Step, plain_reply, raw_server, whole_reply
from council.testing.raw_server import serving
from tests.support.kept import Kept

pytestmark = pytest.mark.anyio


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


async def ask(kept: Kept, *answers: str, strategy: str = "concat") -> None:
    """A run of experts that say that; afterwards neither servers nor panel file are there."""
    async with raw_server(*map(whole_reply, answers)) as server:
        config = kept.panel(*[server] * len(answers))
        done = await kept.council("run", config, "How many?", "--strategy", strategy)
        assert done.returncode == 0, done.stderr
    Path(kept.panel_file).unlink()


async def test_another_strategy_needs_neither_network_nor_panel_file(kept: Kept) -> None:
    await ask(kept, "It is 42.", "It is 41.", "It is 42.")
    done = await kept.council("redecide", "last", "--strategy", "vote", "--json")
    result = json.loads(done.stdout)
    assert done.returncode == 0
    assert (result["strategy"], result["answer"]) == ("vote", "It is 42.")
    assert result["agreement"]["agree"] == 2
    record = kept.store.run("last")
    assert (record.origin, record.parent) == ("redecide", kept.store.runs()[1].id)


async def test_options_are_given_as_in_a_panel_file(kept: Kept) -> None:
    await ask(kept, "It is 42.", "Maybe 42?")
    done = await kept.council(
        "redecide", "last", "--strategy", "vote", "--option", "extract=text", "--json"
    )
    assert json.loads(done.stdout)["votes"]["extract"] == "text"
    assert json.loads(kept.store.run("last").options)["extract"]["kind"] == "text"
    for option, message in (
        ("extract", "--option: expected key=value, got 'extract'"),
        ("extrakt=text", "did you mean 'extract'"),
        ("extract=[", "--option extract: not valid YAML"),
    ):
        done = await kept.council("redecide", "last", "--strategy", "vote", "--option", option)
        assert (done.returncode, message in done.stderr) == (2, True), done.stderr


async def test_asking_something_new_fails_clearly(kept: Kept) -> None:
    await ask(kept, "It is 42.", "It is 41.", "It is 42.")
    done = await kept.council("redecide", "last", "--strategy", "synthesize", "--events")
    assert done.returncode == 1
    assert "synthesize wants to ask A something that the record of run" in done.stderr
    assert "--ask asks it" in done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    # It is not one more expert that failed, with somebody to stand in.
    assert "strategy.stand_in" not in {event["type"] for event in events}
    assert events[-1]["result"]["error"]["kind"] == "strategy"


async def test_ask_asks_only_what_is_new(kept: Kept) -> None:
    answers = [whole_reply("It is 42.")] * 2
    async with raw_server(*answers, whole_reply("Forty-two.")) as server:
        await kept.council("run", kept.panel(server, server), "How many?")
        assert len(server.requests) == 2
        done = await kept.council("redecide", "last", "--strategy", "synthesize", "--ask")
        assert (done.returncode, done.stdout) == (0, "Forty-two.\n")
        assert len(server.requests) == 3


async def test_a_failure_of_then_is_a_failure_still(kept: Kept) -> None:
    down = plain_reply("400 Bad Request", json.dumps({"error": "no such luck"}))
    async with raw_server(whole_reply("It is 42.")) as good, raw_server(down) as bad:
        await kept.council("run", kept.panel(good, bad, good), "How many?")
    done = await kept.council("redecide", "last", "--strategy", "concat", "--json")
    result = json.loads(done.stdout)
    assert (done.returncode, result["status"]) == (0, "degraded")
    assert "no such luck" in result["reasons"][0]


VECTORS = {"It is red.": [1.0, 0.1], "Red!": [1.0, 0.11], "It is blue.": [0.1, 1.0]}
SEMANTIC = {"name": "vote", "extract": {"kind": "semantic", "threshold": 0.9}}


@pytest.mark.timeout(600)  # four processes, one after the other
async def test_no_text_is_embedded_again(kept: Kept) -> None:
    answers = [whole_reply("It is red."), whole_reply("Red!"), plain_reply("500 Oh", "{}")]
    embedded: list[list[str]] = []

    def answer(request: Request) -> Sequence[Step]:
        if "/embeddings" not in request.line:
            return answers.pop(0)
        texts = request.json["input"]
        embedded.append(texts)
        return plain_reply(
            "200 OK", json.dumps({"data": [{"embedding": VECTORS[t]} for t in texts]})
        )

    async with serving(answer) as server:
        embedder = {"model": "e5", "endpoint": server.url}
        config = kept.panel(*[server] * 3, embedder=embedder, strategy=SEMANTIC)
        done = await kept.council("run", config, "Which colour?")
        assert done.returncode == 0, done.stderr
        assert [sorted(texts) for texts in embedded] == [["It is red.", "Red!"]]
        answers.append(whole_reply("It is blue."))
        done = await kept.council("resume", "last", "--json")
        resumed = json.loads(done.stdout)
        assert resumed["status"] == "complete", done.stderr
        assert embedded[1:] == [["It is blue."]]
    Path(kept.panel_file).unlink()
    option = "extract={kind: semantic, threshold: 0.9}"
    command = ("redecide", "last", "--strategy", "vote", "--option", option, "--json")
    again = json.loads((await kept.council(*command)).stdout)
    assert (again["votes"], again["usage"]) == (resumed["votes"], resumed["usage"])
    assert (again["agreement"]["agree"], again["agreement"]["of"]) == (2, 3)


async def test_samples_keep_their_order(kept: Kept) -> None:
    texts = [f"It is {number}." for number in range(4)]
    async with raw_server(*map(whole_reply, texts)) as server:
        config = kept.panel(server, limits={"concurrency": 1})
        text = Path(config).read_text().replace("retries: 0", "retries: 0\n  samples: 4")
        Path(config).write_text(text)
        first = await kept.council("run", config, "How many?", "--strategy", "concat")
    again = await kept.council("redecide", "last", "--strategy", "concat")
    assert again.stdout == first.stdout
    assert [first.stdout.index(text) for text in texts] == sorted(map(first.stdout.index, texts))
