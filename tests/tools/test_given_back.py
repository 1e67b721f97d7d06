"""What servers want back with a call of a tool: thinking, and signatures of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

import council
from council.agents.base import Agent
from council.testing import (
    DONE,
    END,
    STREAM_HEAD,
    Step,
    choice,
    chunked,
    keep_alive,
    raw_server,
    stream,
)
from council.testing.frames import FINISH, plain_reply
from tests.support.anthropic_events import (
    STOP,
    THINKING_BLOCK,
    block_start,
    block_stop,
    message_delta,
    message_start,
    text_block,
)
from tests.support.tool_apis import Anthropic, OpenAI

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def now() -> str:
    return "noon"


async def ask(agent: Agent) -> council.Reply:
    try:
        result = await council.ask("When?", panel=[agent], tools=[now])
    finally:
        await agent.aclose()
    assert result.answer == "At noon."
    return result.experts[0]


def call(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": "now", "arguments": "{}"}, **more}


def tool_use(index: int, id: str) -> bytes:
    return block_start(index, type="tool_use", id=id, name="now", input={}) + block_stop(index)


async def test_anthropics_thoughts_go_back_with_their_signatures() -> None:
    api = Anthropic()
    hidden = block_start(3, type="redacted_thinking", data="c2VjcmV0") + block_stop(3)
    events = [
        *(message_start(), THINKING_BLOCK, text_block(1, "I look."), tool_use(2, "c1")),
        *(hidden, tool_use(4, "c2"), message_delta("tool_use"), STOP),
    ]
    calls: list[Step] = [STREAM_HEAD, *map(chunked, events), END, keep_alive]
    async with raw_server(calls, api.answers("At noon.")) as server:
        reply = await ask(api.agent(server.url))
    assert reply.reasoning == "17 and 25 …\n\nI look.\n\n"
    _, turn, results = server.requests[1].json["messages"]
    used: list[Any] = [
        {"type": "tool_use", "id": id, "name": "now", "input": {}} for id in ("c1", "c2")
    ]
    assert turn["content"] == [
        {"type": "thinking", "thinking": "17 and 25 …", "signature": "EqQBCgIYAhIM"},
        {"type": "text", "text": "I look."},
        used[0],
        {"type": "redacted_thinking", "data": "c2VjcmV0"},
        used[1],
    ]
    assert [block["tool_use_id"] for block in results["content"]] == ["c1", "c2"]
    assert results["role"] == "user"


async def test_thinking_goes_back_where_it_came_as_reasoning_content() -> None:
    api = OpenAI()
    thoughts = [
        choice(delta={"reasoning_content": text}, finish_reason=None) for text in ("I ", "look.")
    ]
    piece = choice(delta={"tool_calls": [call("c1")]}, finish_reason=None)
    replies = (stream(*thoughts, piece, FINISH, DONE), api.answers("At noon."))
    async with raw_server(*replies) as server:
        reply = await ask(api.agent(server.url))
    assert reply.reasoning == "I look.\n\n"
    _, turn, _ = server.requests[1].json["messages"]
    assert turn["reasoning_content"] == "I look."


async def test_other_thinking_does_not_go_back() -> None:
    """A server that knows no such field may refuse it."""
    api = OpenAI()
    thought = choice(delta={"reasoning": "I look."}, finish_reason=None)
    piece = choice(delta={"tool_calls": [call("c1")]}, finish_reason=None)
    replies = (stream(thought, piece, FINISH, DONE), api.answers("At noon."))
    async with raw_server(*replies) as server:
        await ask(api.agent(server.url))
    _, turn, _ = server.requests[1].json["messages"]
    assert set(turn) == {"role", "content", "tool_calls"}
    assert turn["tool_calls"] == [call("c1")]


async def test_a_signature_goes_back_with_its_call() -> None:
    signed = {"extra_content": {"google": {"thought_signature": "c2lnbmVk"}}}
    api = OpenAI()
    message = {"role": "assistant", "tool_calls": [call("c1", **signed), call("c2")]}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    async with raw_server(plain_reply("200 OK", json.dumps(body)), api.answers("At noon.")) as s:
        await ask(api.agent(s.url))
    _, turn, *_ = s.requests[1].json["messages"]
    assert turn["tool_calls"] == [call("c1", **signed), call("c2")]
