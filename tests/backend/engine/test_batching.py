"""Continuous batching in a real worker, seen from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.backend.serving import ask, client, health, running, until

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


async def gather(web: httpx.AsyncClient, bodies: list[dict[str, object]]) -> list[dict[str, Any]]:
    """Sends all requests at once; the answers in the same order."""
    answers: list[dict[str, Any]] = [{} for _ in bodies]

    async def one(number: int) -> None:
        response = await web.post(CHAT, json=bodies[number])
        assert response.status_code == 200, response.text
        answers[number] = response.json()

    async with anyio.create_task_group() as group:
        for number in range(len(bodies)):
            group.start_soon(one, number)
    return answers


async def test_requests_are_decoded_together(web: httpx.AsyncClient) -> None:
    before = (await health(web))["engine"]
    await gather(web, [ask(f"question {number}", max_tokens=200) for number in range(8)])
    after = (await health(web))["engine"]
    assert after["widest"] == 8
    steps, tokens = after["steps"] - before["steps"], after["generated"] - before["generated"]
    assert tokens == 8 * 200
    assert steps < tokens / 2


async def test_the_same_prompt_is_computed_once(web: httpx.AsyncClient) -> None:
    before = (await health(web))["engine"]["prefilled"]
    answers = await gather(web, [ask("the same " * 60, max_tokens=100)] * 4)
    after = (await health(web))["engine"]["prefilled"]
    prompt = answers[0]["usage"]["prompt_tokens"]
    assert after - before <= prompt + 3
    cached = [answer["usage"]["prompt_tokens_details"]["cached_tokens"] for answer in answers]
    assert sum(count == prompt - 1 for count in cached) == 3


async def test_shared_prompts_lead_to_the_same_answers(web: httpx.AsyncClient) -> None:
    """Answers from a shared beginning are those of a fresh one, and none is another's."""
    bodies = [
        ask("a common beginning " * 10 + end, seed=seed, max_tokens=12)
        for seed, end in enumerate(("one", "two", "three", "four"))
    ]
    alone = [(await gather(web, [body]))[0] for body in bodies]
    together = await gather(web, bodies)
    texts = [answer["choices"][0]["message"]["content"] for answer in alone]
    assert [answer["choices"][0]["message"]["content"] for answer in together] == texts
    assert len(set(texts)) == 4


@pytest.mark.parametrize("unified", ["on", "off"])
async def test_prompts_are_shared_in_one_buffer_and_between_several(
    models: Path, unified: str
) -> None:
    arguments = ["--model", f"{models}/bytes.gguf", "--ctx", "4096", "--parallel", "4"]
    # By itself a greedy request that comes when nobody else is served computes all of its prompt.
    asked = {"temperature": 0, "max_tokens": 12, "cache_prompt": True}
    bodies = [ask("one beginning " * 20 + f"{end}", **asked) for end in "abcd"]
    with running(*arguments, "--kv-unified", unified) as server:
        async with client(server) as web:
            alone = [(await gather(web, [body]))[0] for body in bodies]
            together = await gather(web, bodies)
    texts = [answer["choices"][0]["message"]["content"] for answer in alone]
    assert [answer["choices"][0]["message"]["content"] for answer in together] == texts
    cached = [answer["usage"]["prompt_tokens_details"]["cached_tokens"] for answer in together]
    assert min(cached) > 200


async def test_a_full_cache_fails_nobody(models: Path) -> None:
    """Answers that do not fit at the same time: one steps back, all are whole."""
    arguments = ["--model", f"{models}/endless.gguf", "--ctx", "600", "--parallel", "2"]
    with running(*arguments) as server:
        async with client(server) as web:
            bodies = [ask(f"{number}", max_tokens=400, seed=number) for number in range(4)]
            answers = await gather(web, bodies)
            assert [answer["usage"]["completion_tokens"] for answer in answers] == [400] * 4
            assert {answer["choices"][0]["finish_reason"] for answer in answers} == {"length"}
            assert (await health(web))["engine"]["preempted"] > 0
            found = await until(web, lambda found: found["active"] == 0)
            assert found["queued"] == 0
            assert found["restarts"] == 0


async def test_more_requests_than_sequences_wait_their_turn(models: Path) -> None:
    with running("--model", f"{models}/bytes.gguf", "--parallel", "2") as server:
        async with client(server) as web:
            answers = await gather(web, [ask(f"{number}", max_tokens=30) for number in range(20)])
            assert {answer["usage"]["completion_tokens"] for answer in answers} == {30}
            assert (await health(web))["engine"]["widest"] == 2
