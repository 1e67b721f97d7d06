"""Chat completions on models of random weights: the mechanics, not the sense."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.backend.serving import Server, ask, client, health, running, until

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


async def answer(web: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    response = await web.post(CHAT, json=ask(**fields))
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def text_of(web: httpx.AsyncClient, **fields: object) -> str:
    text: str = (await answer(web, **fields))["choices"][0]["message"]["content"]
    return text


async def events(response: httpx.Response) -> AsyncIterator[str]:
    async for line in response.aiter_lines():
        if line:
            assert line.startswith("data: ")
            yield line.removeprefix("data: ")


async def test_a_stream_has_all_its_parts(web: httpx.AsyncClient) -> None:
    body = ask(max_tokens=6, stream=True, seed=1, stream_options={"include_usage": True})
    async with web.stream("POST", CHAT, json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        *chunks, done = [event async for event in events(response)]
    assert done == "[DONE]"
    first, *texts, last, usage = [json.loads(chunk) for chunk in chunks]
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [set(chunk["choices"][0]["delta"]) for chunk in texts] == [{"content"}] * 6
    assert last["choices"][0]["delta"] == {}
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in (first, *texts, last)]
    assert reasons == [None] * 7 + ["length"]
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == 6
    for field in ("id", "created", "model", "system_fingerprint", "object"):
        assert len({chunk[field] for chunk in (first, *texts, last, usage)}) == 1


async def test_a_stream_and_a_whole_answer_say_the_same(web: httpx.AsyncClient) -> None:
    body = ask(max_tokens=20, stream=True, seed=5)
    async with web.stream("POST", CHAT, json=body) as response:
        chunks = [json.loads(event) async for event in events(response) if event != "[DONE]"]
    streamed = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert streamed == await text_of(web, max_tokens=20, seed=5)
    assert all("usage" not in chunk for chunk in chunks)


async def test_usage_counts(web: httpx.AsyncClient) -> None:
    usage = (await answer(web, max_tokens=7))["usage"]
    assert usage["completion_tokens"] == 7
    assert usage["total_tokens"] == usage["prompt_tokens"] + 7
    # One token a byte, but for the two special ones that frame each of two turns.
    prompt = "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"
    special = prompt.count("<|")
    letters = len(prompt.replace("<|im_start|>", "").replace("<|im_end|>", ""))
    assert usage["prompt_tokens"] == letters + special


async def test_the_same_prompt_is_not_computed_again(web: httpx.AsyncClient) -> None:
    first = (await answer(web, text="again and again", max_tokens=2))["usage"]
    second = (await answer(web, text="again and again", max_tokens=2))["usage"]
    assert second["prompt_tokens_details"]["cached_tokens"] == first["prompt_tokens"] - 1


@pytest.mark.parametrize("fields", [{"seed": 7}, {"temperature": 0}])
async def test_alone_the_same_request_gives_the_same_text(
    web: httpx.AsyncClient, fields: dict[str, object]
) -> None:
    texts = []
    for other in ("one", "two", "three"):
        texts.append(await text_of(web, max_tokens=60, **fields))
        await text_of(web, text=other, max_tokens=3)  # leaves something in the cache
    assert len(set(texts)) == 1


async def test_different_seeds_give_different_texts(web: httpx.AsyncClient) -> None:
    texts = {await text_of(web, max_tokens=30, seed=seed) for seed in (0, 1, -1, 2**63 - 1, None)}
    assert len(texts) == 5


async def test_one_choice_leaves_nothing_to_chance(web: httpx.AsyncClient) -> None:
    greedy = await text_of(web, max_tokens=20, temperature=0)
    assert await text_of(web, max_tokens=20, temperature=2, top_k=1) == greedy
    assert await text_of(web, max_tokens=20, temperature=2, top_p=0) == greedy
    assert await text_of(web, max_tokens=20, temperature=2, min_p=1) == greedy


async def test_penalties_drive_repetition_out(web: httpx.AsyncClient) -> None:
    plain = await text_of(web, max_tokens=90, temperature=0)
    penalised = await text_of(web, max_tokens=90, temperature=0, frequency_penalty=2)
    strong = await text_of(web, max_tokens=90, temperature=0, repeat_penalty=10)
    assert len(set(plain)) < len(set(penalised))
    assert len(set(plain)) < len(set(strong))


async def test_a_stop_string_ends_the_answer_before_it(web: httpx.AsyncClient) -> None:
    full = await text_of(web, max_tokens=30, seed=3)
    stop = full[10:13]  # one token a letter: it spans three tokens
    body = await answer(web, max_tokens=30, seed=3, stop=["\x00never", stop])
    assert body["choices"][0]["message"]["content"] == full[: full.index(stop)]
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["usage"]["completion_tokens"] == full.index(stop) + 3


async def test_a_stop_string_in_a_stream_never_shows(web: httpx.AsyncClient) -> None:
    full = await text_of(web, max_tokens=30, seed=3)
    stop = full[5:9]
    body = ask(max_tokens=30, seed=3, stop=stop, stream=True)
    async with web.stream("POST", CHAT, json=body) as response:
        chunks = [json.loads(event) async for event in events(response) if event != "[DONE]"]
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert text == full[: full.index(stop)]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


async def test_bytes_that_are_no_text_become_marks(web_pair: httpx.AsyncClient) -> None:
    body = await answer(web_pair, model="bytes", max_tokens=200, seed=1, temperature=2)
    assert "\ufffd" in body["choices"][0]["message"]["content"]
    assert body["usage"]["completion_tokens"] == 200


async def test_an_answer_ends_where_the_context_does(web_pair: httpx.AsyncClient) -> None:
    body = await answer(web_pair, model="org/short", max_tokens=5000)
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["total_tokens"] == 96


async def test_max_completion_tokens_wins(web: httpx.AsyncClient) -> None:
    usage = (await answer(web, max_tokens=9, max_completion_tokens=4))["usage"]
    assert usage["completion_tokens"] == 4


async def test_all_roles_and_text_parts_are_understood(web: httpx.AsyncClient) -> None:
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        {"role": "user", "content": "Why?"},
    ]
    response = await web.post(CHAT, json={"messages": messages, "max_tokens": 1})
    assert response.status_code == 200
    spelled_out = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "a\nb"},
        {"role": "assistant", "content": "No."},
        {"role": "user", "content": "Why?"},
    ]
    same = await web.post(CHAT, json={"messages": spelled_out, "max_tokens": 1})
    assert response.json()["usage"]["prompt_tokens"] == same.json()["usage"]["prompt_tokens"]


async def test_calls_and_their_results_are_shown(web: httpx.AsyncClient) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "fff", "arguments": '{"x": 17}'}}
    messages = [
        {"role": "user", "content": "How much?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "three", "tool_call_id": "a"},
    ]
    prompt = (await web.post("/apply-template", json={"messages": messages})).json()["prompt"]
    order = [prompt.index(word) for word in ("How much?", "fff", "17", "three")]
    assert order == sorted(order)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_costs_nothing_more(endless: Server, stream: bool) -> None:
    async with client(endless) as web:
        before = (await health(web))["engine"]["generated"]
        async with anyio.create_task_group() as group:
            group.start_soon(_endless_request, endless, stream)
            await until(web, lambda found: found["engine"]["generated"] > before + 5)
            assert (await health(web))["active"] == 1
            group.cancel_scope.cancel()
        found = await until(web, lambda found: found["active"] == 0)
        after = await until(web, lambda found: found["active"] == 0)
        assert after["engine"]["generated"] == found["engine"]["generated"]


async def _endless_request(server: Server, stream: bool) -> None:
    async with client(server) as web, web.stream("POST", CHAT, json=ask(stream=stream)) as response:
        await response.aread()


async def test_a_client_that_leaves_while_waiting_is_forgotten(models: Path) -> None:
    with running("--model", f"{models}/endless.gguf", "--parallel", "1", "--queue", "1") as server:
        async with client(server) as web, anyio.create_task_group() as group:
            group.start_soon(_endless_request, server, True)
            await until(web, lambda found: found["active"] == 1)
            waiting = anyio.CancelScope()
            group.start_soon(_waiting, server, waiting)
            await until(web, lambda found: found["queued"] == 1)
            full = await web.post(CHAT, json=ask())
            assert full.status_code == 429
            assert full.headers["retry-after"] == "1"
            assert full.json()["error"]["code"] == "queue_full"
            waiting.cancel()
            found = await until(web, lambda found: found["queued"] == 0)
            assert found["active"] == 1
            group.cancel_scope.cancel()


async def _waiting(server: Server, scope: anyio.CancelScope) -> None:
    with scope:
        await _endless_request(server, True)
