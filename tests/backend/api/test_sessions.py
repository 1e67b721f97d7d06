"""Conversations that the server keeps: turns, streams, what is cut, two at once, keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.backend.api.test_failures import CHAT, failure
from tests.backend.serving import PATIENCE, Server, ask, client, running, until

pytestmark = pytest.mark.anyio
ROUTE = "/v1/sessions"


@pytest.fixture(scope="module")
def server(models: Path) -> Iterator[Server]:
    """A model that answers and one that never ends."""
    arguments = ["--model", "builtin:sage=sage", "--model", f"{models}/endless.gguf"]
    with running(*arguments, "--sessions", "40", "--ctx", "65536") as found:
        yield found


def turn(text: str, id: str | None, **fields: object) -> dict[str, object]:
    """One turn; greedy, so that the same prompt has the same answer."""
    chosen = {"model": "sage", "temperature": 0, "max_tokens": 12, **fields}
    return ask(text, **chosen, **({"session_id": id} if id else {}))


async def said(web: httpx.AsyncClient, body: dict[str, object], **headers: str) -> dict[str, Any]:
    """The answer's message."""
    response = await web.post(CHAT, json=body, headers=headers)
    assert response.status_code == 200, response.text
    message: dict[str, Any] = response.json()["choices"][0]["message"]
    return message


async def kept(web: httpx.AsyncClient, id: str) -> list[tuple[str, str]]:
    """The roles and texts of a session."""
    response = await web.get(f"{ROUTE}/{id}")
    assert response.status_code == 200, response.text
    return [(message["role"], message["content"]) for message in response.json()["content"]]


async def streamed(web: httpx.AsyncClient, body: dict[str, object]) -> str:
    """The text of a stream."""
    text = ""
    async with web.stream("POST", CHAT, json={**body, "stream": True}) as response:
        assert response.status_code == 200
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                (choice,) = json.loads(line.removeprefix("data: "))["choices"]
                text += choice["delta"].get("content") or ""
    return text


async def busy(web: httpx.AsyncClient, id: str) -> bool:
    found: bool = (await web.get(f"{ROUTE}/{id}")).json()["busy"]
    return found


async def test_a_client_sends_only_the_new_turn(web: httpx.AsyncClient) -> None:
    first = await said(web, turn("What is the capital of Japan?", "a"))
    second = await said(web, turn("And what is 2 + 2?", "a"))
    assert await kept(web, "a") == [
        ("user", "What is the capital of Japan?"),
        ("assistant", first["content"]),
        ("user", "And what is 2 + 2?"),
        ("assistant", second["content"]),
    ]
    # The model has read what it reads when a client sends all of it.
    history = [{"role": role, "content": text} for role, text in (await kept(web, "a"))[:3]]
    whole = {**turn("", None), "messages": history}
    assert (await said(web, whole))["content"] == second["content"]
    fresh = turn("And what is 2 + 2?", None)
    used = [(await web.post(CHAT, json=body)).json()["usage"] for body in (whole, fresh)]
    assert used[0]["prompt_tokens"] > used[1]["prompt_tokens"]


async def test_the_header_names_a_session_too(web: httpx.AsyncClient) -> None:
    await said(web, turn("1", None), **{"X-Session-Id": "header"})
    await said(web, turn("2", "header"), **{"X-Session-Id": "header"})
    assert len(await kept(web, "header")) == 4
    response = await web.post(CHAT, json=turn("3", "header"), headers={"X-Session-Id": "other"})
    assert failure(response, 400)["param"] == "session_id"
    assert len(await kept(web, "header")) == 4


async def test_a_stream_is_kept_when_it_has_come_to_its_end(web: httpx.AsyncClient) -> None:
    text = await streamed(web, turn("What is 2 + 2?", "stream"))
    # Whoever has seen the end may go on at once.
    again = await streamed(web, turn("What is 3 + 3?", "stream"))
    assert text
    assert [said for _, said in await kept(web, "stream")][1::2] == [text, again]
    assert text == (await said(web, turn("What is 2 + 2?", None)))["content"]


async def test_a_stream_that_was_cut_has_never_been(web: httpx.AsyncClient) -> None:
    await said(web, turn("1", "cut"))
    before = await kept(web, "cut")
    body = turn("2", "cut", model="endless", max_tokens=None)
    async with web.stream("POST", CHAT, json={**body, "stream": True}) as response:
        lines = response.aiter_lines()
        await anext(lines)
        assert await busy(web, "cut")
    with anyio.fail_after(PATIENCE):
        while await busy(web, "cut"):
            await anyio.lowlevel.checkpoint()
    assert await kept(web, "cut") == before
    await said(web, turn("2", "cut"))
    assert len(await kept(web, "cut")) == 4


async def test_a_blocking_client_that_leaves_has_never_been(web: httpx.AsyncClient) -> None:
    body = turn("1", "left", model="endless", max_tokens=None)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: web.post(CHAT, json=body))
        await until(web, lambda found: found["active"] == 1, 1)
        assert await busy(web, "left")
        group.cancel_scope.cancel()
    with anyio.fail_after(PATIENCE):
        while (await web.get(f"{ROUTE}/left")).status_code != 404:
            await anyio.lowlevel.checkpoint()


async def test_two_at_once_on_one_session(web: httpx.AsyncClient) -> None:
    body = turn("1", "two", model="endless", max_tokens=None)
    async with web.stream("POST", CHAT, json={**body, "stream": True}) as response:
        lines = response.aiter_lines()
        await anext(lines)
        error = failure(await web.post(CHAT, json=turn("2", "two")), 409)
        assert (error["code"], error["param"]) == ("session_busy", "session_id")
        # Others have nothing to do with it.
        await said(web, turn("2", "two-b"))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": "nobody"}, "model"),
        ({"top_k": -1}, "top_k"),
        ({"grammar": "root ::= ("}, "grammar"),
    ],
)
async def test_a_turn_that_was_refused_has_never_been(
    web: httpx.AsyncClient, fields: dict[str, object], param: str
) -> None:
    for _ in range(2):
        response = await web.post(CHAT, json=turn("1", "refused", **fields))
        assert response.status_code in (400, 404)
        assert response.json()["error"]["param"] == param
    assert (await web.get(f"{ROUTE}/refused")).status_code == 404


async def test_a_prompt_that_does_not_fit_leaves_the_session(web: httpx.AsyncClient) -> None:
    await said(web, turn("1", "full"))
    for _ in range(2):
        error = failure(await web.post(CHAT, json=turn("word " * 5000, "full")), 400)
        assert error["code"] == "context_length_exceeded"
    assert len(await kept(web, "full")) == 2
    await said(web, turn("2", "full"))


@pytest.mark.parametrize("id", ["", "a b", "é", "../x", "-a", "a" * 129, "a/b", "\x00"])
async def test_what_is_no_id(web: httpx.AsyncClient, id: str) -> None:
    body = {**turn("1", None), "session_id": id}
    assert failure(await web.post(CHAT, json=body), 400)["param"] == "session_id"


async def test_a_session_has_one_answer(web: httpx.AsyncClient) -> None:
    assert failure(await web.post(CHAT, json=turn("1", "n", n=2)), 400)["param"] == "n"


async def test_calls_of_tools_are_kept(web: httpx.AsyncClient) -> None:
    nothing = {"type": "object", "properties": {}, "additionalProperties": False}
    function = {"name": "look_up", "parameters": nothing}
    fields = {"tools": [{"type": "function", "function": function}], "tool_choice": "required"}
    for id, stream in (("tool", False), ("tool-stream", True)):
        body = turn("1", id, **fields, max_tokens=100, stream=stream)
        assert (await web.post(CHAT, json=body)).status_code == 200
        content = (await web.get(f"{ROUTE}/{id}")).json()["content"]
        (call,) = content[1]["tool_calls"]
        assert call["function"]["name"] == "look_up"
        assert json.loads(call["function"]["arguments"]) == {}
        result = {"role": "tool", "tool_call_id": call["id"], "content": "42"}
        await said(web, {**turn("", id), "messages": [result]})
        roles = [role for role, _ in await kept(web, id)]
        assert roles == ["user", "assistant", "tool", "assistant"]


async def test_sessions_are_listed_and_deleted(web: httpx.AsyncClient) -> None:
    await said(web, turn("1", "listed"))
    cards = {card["id"]: card for card in (await web.get(ROUTE)).json()["data"]}
    card = cards["listed"]
    assert (card["object"], card["messages"], card["busy"]) == ("session", 2, False)
    assert card["expires_at"] - card["used_at"] in (3600, 3601)
    assert card["created_at"] <= card["used_at"]
    assert card["bytes"] > 20
    response = await web.delete(f"{ROUTE}/listed")
    assert response.json() == {"id": "listed", "object": "session.deleted", "deleted": True}
    for again in (await web.get(f"{ROUTE}/listed"), await web.delete(f"{ROUTE}/listed")):
        assert failure(again, 404)["code"] == "session_not_found"
    await said(web, turn("2", "listed"))
    assert len(await kept(web, "listed")) == 2


async def test_a_server_can_keep_none(models: Path) -> None:
    arguments = ["--model", f"{models}/short.gguf=sage", "--sessions", "0"]
    with running(*arguments) as server:
        async with client(server) as web:
            error = failure(await web.post(CHAT, json=turn("1", "a")), 400)
            assert "--sessions" in error["message"]
            assert (await web.get(ROUTE)).json()["data"] == []
            await said(web, turn("1", None, max_tokens=1))


async def test_a_session_belongs_to_its_key(models: Path) -> None:
    keys = ["--api-key", "ann:" + "a" * 40, "--api-key", "bob:" + "b" * 40]
    with running("--model", f"{models}/short.gguf=sage", *keys) as server:
        async with client(server) as web:
            ann = {"Authorization": "Bearer " + "a" * 40}
            bob = {"Authorization": "Bearer " + "b" * 40}
            for headers, text in ((ann, "1"), (bob, "2")):
                await said(web, turn(text, "mine", max_tokens=1), **headers)
            for headers, text in ((ann, "1"), (bob, "2")):
                found = (await web.get(f"{ROUTE}/mine", headers=headers)).json()
                assert found["content"][0]["content"] == text
                assert found["messages"] == 2
            await said(web, turn("3", "anns", max_tokens=1), **ann)
            assert (await web.get(f"{ROUTE}/anns", headers=bob)).status_code == 404
            assert (await web.delete(f"{ROUTE}/anns", headers=bob)).status_code == 404
            listed = (await web.get(ROUTE, headers=ann)).json()["data"]
            assert [card["id"] for card in listed] == ["mine", "anns"]
