"""``n`` choices of one prompt, and the knobs of a sampler."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.backend.api.test_failures import failure
from tests.backend.serving import Server, ask, client, health, running, until

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


async def answer(web: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    response = await web.post(CHAT, json=ask(**fields))
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def texts(body: Mapping[str, Any]) -> list[str]:
    assert [choice["index"] for choice in body["choices"]] == list(range(len(body["choices"])))
    return [choice["message"]["content"] for choice in body["choices"]]


async def streamed(web: httpx.AsyncClient, body: dict[str, object]) -> list[dict[str, Any]]:
    async with web.stream("POST", CHAT, json=body) as response:
        lines = [line async for line in response.aiter_lines() if line.startswith("data: {")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


async def test_choices_share_their_prompt(web: httpx.AsyncClient) -> None:
    before = (await health(web))["engine"]
    body = await answer(web, text="the same question " * 20, n=4, max_tokens=9, seed=3)
    after = (await health(web))["engine"]
    assert len(set(texts(body))) == 4
    usage = body["usage"]
    assert usage["completion_tokens"] == 4 * 9
    assert usage["total_tokens"] == usage["prompt_tokens"] + 4 * 9
    assert usage["prompt_tokens_details"]["cached_tokens"] == 0
    assert after["prefilled"] - before["prefilled"] <= usage["prompt_tokens"] + 3


async def test_choices_of_a_stream_are_told_apart(web: httpx.AsyncClient) -> None:
    fields: dict[str, object] = {"n": 3, "max_tokens": 15, "temperature": 0}
    (expected,) = set(texts(await answer(web, **fields)))
    options = {"include_usage": True}
    chunks = await streamed(web, ask(**fields, stream=True, stream_options=options))
    assert chunks[-1]["usage"]["completion_tokens"] == 45
    for index in range(3):
        mine = [c["choices"][0] for c in chunks[:-1] if c["choices"][0]["index"] == index]
        assert mine[0]["delta"] == {"role": "assistant", "content": ""}
        assert "".join(choice["delta"].get("content", "") for choice in mine) == expected
        assert [choice["finish_reason"] for choice in mine].count("length") == 1


async def test_choices_end_on_their_own(web: httpx.AsyncClient) -> None:
    whole = texts(await answer(web, n=2, max_tokens=20, seed=5, temperature=2))
    stop = whole[0][4:7]
    body = await answer(web, n=2, max_tokens=20, seed=5, temperature=2, stop=stop)
    assert body["choices"][0]["finish_reason"] == "stop"
    assert texts(body)[0] == whole[0][:4]


async def test_choices_are_all_had_or_none(models: Path) -> None:
    arguments = ["--model", f"{models}/endless.gguf", "--parallel", "1", "--queue", "2"]
    with running(*arguments) as server:
        async with client(server) as web:
            error = failure(await web.post(CHAT, json=ask(n=4)), 429)
            assert error["code"] == "queue_full"
            found = await until(web, lambda found: found["active"] + found["queued"] == 0)
            assert found["restarts"] == 0
            assert len(texts(await answer(web, n=3, max_tokens=2))) == 3


async def test_all_choices_end_with_their_client(endless: Server) -> None:
    async with client(endless) as web:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: web.post(CHAT, json=ask(n=5)))
            await until(web, lambda found: found["active"] == 5)
            group.cancel_scope.cancel()
        await until(web, lambda found: found["active"] + found["queued"] == 0)


async def test_a_bias_rules_in_and_out(web: httpx.AsyncClient) -> None:
    """In this model a token is a byte, and its number that of the byte."""
    (plain,) = texts(await answer(web, max_tokens=30, temperature=0))
    letters = {str(ord(letter)): -100 for letter in plain}
    (without,) = texts(await answer(web, max_tokens=30, temperature=0, logit_bias=letters))
    assert without
    assert not set(plain) & set(without)
    (only,) = texts(await answer(web, max_tokens=5, logit_bias={str(ord("q")): 100}, temperature=2))
    assert only == "qqqqq"


@pytest.mark.parametrize("token", ["259", "-1", "1.5", "x", "", "05", "٣", "9" * 5000])
async def test_a_bias_for_no_token_is_refused(web: httpx.AsyncClient, token: str) -> None:
    error = failure(await web.post(CHAT, json=ask(logit_bias={token: 1})), 400)
    assert error["param"] == "logit_bias"
    assert "from 0 " in error["message"]


@pytest.mark.parametrize("bias", [101, -101, "1", None, [], 1e308])
async def test_a_bias_out_of_range_is_refused(web: httpx.AsyncClient, bias: object) -> None:
    error = failure(await web.post(CHAT, json=ask(logit_bias={"5": bias})), 400)
    assert error["param"] == "logit_bias.5"


async def test_typical_p_leaves_the_typical(web: httpx.AsyncClient) -> None:
    hot = {"max_tokens": 60, "temperature": 2, "top_k": 0, "top_p": 1, "min_p": 0, "seed": 1}
    (plain,) = texts(await answer(web, **hot))
    (typical,) = texts(await answer(web, **hot, typical_p=0.2))
    assert len(set(typical)) < len(set(plain))


@pytest.mark.parametrize("cold", [1e-300, 1e-40, 1e-7])
async def test_next_to_no_temperature_is_none(web: httpx.AsyncClient, cold: float) -> None:
    none = texts(await answer(web, max_tokens=20, temperature=0))
    assert texts(await answer(web, max_tokens=20, temperature=cold, seed=1)) == none
