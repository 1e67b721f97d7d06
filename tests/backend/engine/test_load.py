"""A real server with more than it can hold: all are served, in a bounded number of steps."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from benchmarks.soak import Soak
from tests.backend.serving import ask, client, health, running, until

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
REQUESTS = 500


def mixed(chance: random.Random) -> dict[str, object]:
    """A request of some size: most are short, some fill a quarter of the cells, few nearly all."""
    letters = chance.choice([5, 20, 60, 150]) if chance.random() < 0.97 else 300
    text = "".join(chance.choices("abc ", k=letters))
    return ask(text, max_tokens=chance.choice([1, 4, 12, 40]), seed=chance.randrange(1000))


@pytest.mark.timeout(600)
async def test_hundreds_of_requests_in_a_cache_for_four(models: Path) -> None:
    chance = random.Random(7)
    bodies = [mixed(chance) for _ in range(REQUESTS)]
    answers: list[Any] = [None] * REQUESTS
    arguments = ["--model", f"{models}/bytes.gguf", "--ctx", "400", "--parallel", "8"]
    with running(*arguments, "--queue", str(REQUESTS)) as server:
        limits = httpx.Limits(max_connections=REQUESTS)
        async with httpx.AsyncClient(base_url=server.url, timeout=500, limits=limits) as web:

            async def one(number: int) -> None:
                answers[number] = await web.post(CHAT, json=bodies[number])

            async with anyio.create_task_group() as group:
                for number in range(REQUESTS):
                    group.start_soon(one, number)
            found = await until(web, lambda found: found["active"] + found["queued"] == 0)
    assert {answer.status_code for answer in answers} == {200}
    usages = [answer.json()["usage"] for answer in answers]
    assert [u["completion_tokens"] for u in usages] == [body["max_tokens"] for body in bodies]
    assert found["restarts"] == 0
    # The last one waits for nearly all the others: never for more than they take together, and
    # that is far less than they would take one after the other.
    engine = found["engine"]
    assert 0 < engine["longest_wait"] <= engine["steps"]
    assert engine["steps"] < sum(usage["completion_tokens"] for usage in usages) / 2


async def test_a_long_prompt_silences_nobody(models: Path) -> None:
    """Every other step has a token of the one that talks, while 2,000 are read for another."""
    with running("--model", f"{models}/bytes.gguf", "--ctx", "8192") as server:
        async with client(server) as web, anyio.create_task_group() as group:
            group.start_soon(talk, web, 900)
            await until(web, lambda found: found["engine"]["generated"] >= 3)
            response = await web.post(CHAT, json=ask("x" * 2000, max_tokens=5))
            assert response.status_code == 200
            assert (await health(web))["active"] == 1, "it has to be read while the other talks"
            found = await until(web, lambda found: found["active"] == 0)
    # The tokens of the one that talks took one step each, and the prompt few between them.
    assert found["engine"]["generated"] == 900 + 5
    assert 2000 / 256 <= found["engine"]["steps"] - 900 <= 2000 / 256 + 2


async def talk(web: httpx.AsyncClient, tokens: int) -> None:
    response = await web.post(CHAT, json=ask("talk", max_tokens=tokens))
    assert response.status_code == 200


async def test_a_short_soak(models: Path) -> None:
    """Two hundred requests with random cancels leave nothing behind; see benchmarks/soak.py."""
    with running("--model", f"{models}/bytes.gguf", "--ctx", "1024") as server:
        report = await Soak(server.url, requests=200, settled=50, at_once=24, seed=1).run()
    assert report.failed == 0
    assert report.cancelled > 20
    assert report.busy == 0
    assert report.restarts == 0
    assert report.before == report.after, "the same greedy answers, asked alone"
