"""How likely tokens were, on a model of random weights whose tokens are bytes."""

from __future__ import annotations

import json
import math
from typing import Any

import httpx
import pytest

from tests.backend.api.test_failures import failure
from tests.backend.serving import ask

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


async def answer(web: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    response = await web.post(CHAT, json=ask(max_tokens=12, **fields))
    assert response.status_code == 200, response.text
    choice: dict[str, Any] = response.json()["choices"][0]
    return choice


async def test_every_token_has_one(web: httpx.AsyncClient) -> None:
    choice = await answer(web, logprobs=True, top_logprobs=4, temperature=0)
    entries = choice["logprobs"]["content"]
    assert "".join(entry["token"] for entry in entries) == choice["message"]["content"]
    assert len(entries) == 12
    for entry in entries:
        assert bytes(entry["bytes"]).decode() == entry["token"]
        tops = [top["logprob"] for top in entry["top_logprobs"]]
        assert len(tops) == 4
        assert tops == sorted(tops, reverse=True)
        assert entry["logprob"] == tops[0]  # nothing is left to chance
        assert sum(map(math.exp, tops)) <= 1 + 1e-6


async def test_they_are_those_before_any_knob(web: httpx.AsyncClient) -> None:
    plain = await answer(web, logprobs=True, temperature=0)
    hot = await answer(web, logprobs=True, temperature=2, top_k=1)
    assert hot["message"] == plain["message"]
    found = [
        [entry["logprob"] for entry in choice["logprobs"]["content"]] for choice in (plain, hot)
    ]
    assert found[0] == pytest.approx(found[1], abs=1e-3)
    assert all(not entry["top_logprobs"] for entry in plain["logprobs"]["content"])


async def test_a_stream_has_the_same(web: httpx.AsyncClient) -> None:
    fields: dict[str, object] = {"logprobs": True, "top_logprobs": 2, "temperature": 0}
    whole = await answer(web, **fields)
    body = ask(max_tokens=12, stream=True, **fields)
    async with web.stream("POST", CHAT, json=body) as response:
        lines = [line async for line in response.aiter_lines() if line.startswith("data: {")]
    choices = [json.loads(line.removeprefix("data: "))["choices"][0] for line in lines]
    entries = [
        entry
        for choice in choices
        for entry in (choice.get("logprobs") or {"content": []})["content"]
    ]
    assert [entry["token"] for entry in entries] == [
        entry["token"] for entry in whole["logprobs"]["content"]
    ]
    assert (
        "".join(choice["delta"].get("content", "") for choice in choices)
        == (whole["message"]["content"])
    )


async def test_without_asking_there_are_none(web: httpx.AsyncClient) -> None:
    assert (await answer(web))["logprobs"] is None
    error = failure(await web.post(CHAT, json=ask(top_logprobs=3)), 400)
    assert error["param"] == "top_logprobs"
    error = failure(await web.post(CHAT, json=ask(logprobs=True, top_logprobs=21)), 400)
    assert error["param"] == "top_logprobs"


@pytest.mark.parametrize("stream", [False, True])
async def test_they_are_of_calls_too(web: httpx.AsyncClient, stream: bool) -> None:
    """Each token has one, whatever it became a part of."""
    tool = {"type": "function", "function": {"name": "f"}}
    fields = {"tools": [tool], "tool_choice": "required", "parallel_tool_calls": False}
    body = ask(max_tokens=400, logprobs=True, stream=stream, **fields)
    response = await web.post(CHAT, json=body)
    assert response.status_code == 200, response.text
    if stream:
        lines = [line for line in response.text.splitlines() if line.startswith("data: {")]
        choices = [json.loads(line.removeprefix("data: "))["choices"][0] for line in lines]
    else:
        choices = response.json()["choices"]
    assert choices[-1]["finish_reason"] == "tool_calls"
    found = [choice["logprobs"]["content"] for choice in choices if choice.get("logprobs")]
    tokens = "".join(entry["token"] for entries in found for entry in entries)
    assert '"f"' in tokens or "=f>" in tokens
