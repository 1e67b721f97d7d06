"""Anthropic's Messages API through Anthropic's own client, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import anthropic
import httpx
import pytest
from anthropic.types import TextBlock, ThinkingBlock, ToolUseBlock

from council.agents.anthropic import AnthropicAgent
from council.limits import Timeouts
from council.messages import ChatMessage, ChatRequest, Sampling
from tests.backend.dialects import (
    FORMS,
    FRANCE,
    NOISE,
    SAGE,
    THINKER,
    Weather,
    leave,
    named_events,
    parsed,
    serving,
)
from tests.backend.serving import PATIENCE, Server
from tests.support.collect import collect, text

pytestmark = pytest.mark.anyio
ASKED: list[Any] = [{"role": "user", "content": FRANCE}]
TOOLS: list[Any] = [
    {"name": name, "description": f"Says {name}.", "input_schema": form.model_json_schema()}
    for name, form in FORMS.items()
]
ONE = {"type": "any", "disable_parallel_tool_use": True}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("messages")) as found:
        yield found


@pytest.fixture
async def sdk(server: Server) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """Anthropic's client."""
    async with anthropic.AsyncAnthropic(
        base_url=server.url, api_key="none", max_retries=0, timeout=PATIENCE
    ) as found:
        yield found


async def create(sdk: anthropic.AsyncAnthropic, **fields: Any) -> anthropic.types.Message:
    """An answer of 20 tokens; the newest client has lost the word for temperatures."""
    extra = {"temperature": fields.pop("temperature", 0)}
    body = {"model": NOISE, "messages": ASKED, "max_tokens": 20, "extra_body": extra, **fields}
    message: anthropic.types.Message = await sdk.messages.create(**body)
    return message


async def said(sdk: anthropic.AsyncAnthropic, **fields: Any) -> str:
    [block] = (await create(sdk, **fields)).content
    assert isinstance(block, TextBlock)
    return block.text


async def events(web: httpx.AsyncClient, **fields: Any) -> list[dict[str, Any]]:
    """The data of a stream's events, each of which says its type twice."""
    body = {"model": NOISE, "messages": ASKED, "max_tokens": 3, "stream": True, **fields}
    response = await web.post("/v1/messages", json=body)
    assert response.headers["content-type"].startswith("text/event-stream")
    return named_events(response.text)


async def test_a_whole_answer(sdk: anthropic.AsyncAnthropic) -> None:
    message = await create(sdk, model=SAGE)
    [block] = message.content
    assert isinstance(block, TextBlock)
    assert "Paris" in block.text
    assert (message.model, message.role, message.type) == (SAGE, "assistant", "message")
    assert (message.stop_reason, message.stop_sequence) == ("end_turn", None)
    assert message.id.startswith("msg_")
    assert message._request_id


async def test_a_stream_says_what_the_whole_answer_says(sdk: anthropic.AsyncAnthropic) -> None:
    whole = await create(sdk, model=SAGE)
    async with sdk.messages.stream(
        model=SAGE, messages=ASKED, max_tokens=20, extra_body={"temperature": 0}
    ) as stream:
        pieces = [piece async for piece in stream.text_stream]
        final = await stream.get_final_message()
    assert len(pieces) > 2
    assert "".join(pieces) == final.content[0].text == whole.content[0].text  # type: ignore[union-attr]
    assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", len(pieces) + 1)


async def test_the_events_of_a_stream(web: httpx.AsyncClient) -> None:
    found = await events(web)
    assert [event["type"] for event in found] == [
        *("message_start", "content_block_start", "ping"),
        *["content_block_delta"] * 3,
        *("content_block_stop", "message_delta", "message_stop"),
    ]
    message = found[0]["message"]
    assert (message["content"], message["stop_reason"]) == ([], None)
    assert message["usage"]["output_tokens"] == 0
    ending = found[-2]
    assert ending["delta"] == {"stop_reason": "max_tokens", "stop_sequence": None}
    usage = ending["usage"]
    assert usage["output_tokens"] == 3
    counted = usage["input_tokens"] + usage["cache_read_input_tokens"]
    assert counted == message["usage"]["input_tokens"]


async def test_the_cache_is_counted_apart(sdk: anthropic.AsyncAnthropic) -> None:
    asked = [{"role": "user", "content": "again and again"}]
    first = (await create(sdk, messages=asked, temperature=1)).usage
    second = (await create(sdk, messages=asked, temperature=1)).usage
    assert (second.input_tokens, first.cache_creation_input_tokens) == (1, 0)
    assert first.cache_read_input_tokens is not None
    assert second.cache_read_input_tokens == first.input_tokens + first.cache_read_input_tokens - 1


@pytest.mark.parametrize(
    ("choice", "stream"),
    [
        (ONE, False),
        (ONE, True),
        ({"type": "tool", "name": "agree", "disable_parallel_tool_use": True}, False),
        ({"type": "tool", "name": "agree"}, True),
    ],
)
async def test_a_round_of_tools(sdk: anthropic.AsyncAnthropic, choice: Any, stream: bool) -> None:
    body: dict[str, Any] = {"tools": TOOLS, "max_tokens": 4000}
    if stream:
        async with sdk.messages.stream(
            model=NOISE, messages=ASKED, tool_choice=choice, **body
        ) as events:
            message: Any = await events.get_final_message()
    else:
        message = await create(sdk, tool_choice=choice, temperature=1, **body)
    assert message.stop_reason == "tool_use"
    calls = [block for block in message.content if isinstance(block, ToolUseBlock)]
    assert calls == message.content
    assert len(calls) == 1 or not choice.get("disable_parallel_tool_use")
    for call in calls:
        assert choice.get("name") in (call.name, None)
        parsed(call.name, call.input)
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "5"} for call in calls]
    turns = [*ASKED, message.to_param(), {"role": "user", "content": results}]
    final = await create(sdk, messages=turns, tools=TOOLS, tool_choice={"type": "none"})
    assert [block.type for block in final.content] == ["text"]


async def test_an_answer_that_follows_a_schema(sdk: anthropic.AsyncAnthropic) -> None:
    message = await sdk.messages.parse(
        model=NOISE, messages=ASKED, max_tokens=1000, output_format=Weather
    )
    assert isinstance(message.parsed_output, Weather)


async def test_thoughts_are_blocks_and_may_be_sent_back(sdk: anthropic.AsyncAnthropic) -> None:
    message = await create(sdk, model=THINKER)
    [block] = message.content
    assert isinstance(block, ThinkingBlock)
    assert len(block.thinking) == 20
    assert block.signature
    assert message.stop_reason == "max_tokens"
    turns = [*ASKED, message.to_param(), {"role": "user", "content": "Go on."}]
    await create(sdk, model=THINKER, messages=turns)


async def test_thoughts_may_be_hidden_or_left_out(
    sdk: anthropic.AsyncAnthropic, web: httpx.AsyncClient
) -> None:
    hidden = {"type": "adaptive", "display": "omitted"}
    [block] = (await create(sdk, model=THINKER, thinking=hidden)).content
    assert isinstance(block, ThinkingBlock)
    assert block.thinking == ""
    streamed = await events(web, model=THINKER, thinking=hidden)
    deltas = [event["delta"] for event in streamed if event["type"] == "content_block_delta"]
    assert [delta["type"] for delta in deltas] == ["signature_delta"]
    assert await said(sdk, model=THINKER, thinking={"type": "disabled"})


async def test_the_stop_sequence_that_hit(
    sdk: anthropic.AsyncAnthropic, web: httpx.AsyncClient
) -> None:
    full = await said(sdk, max_tokens=30)
    stop = full[10:13]
    message = await create(sdk, max_tokens=30, stop_sequences=["\x00never", stop])
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", stop)
    assert message.content[0].text == full[: full.index(stop)]  # type: ignore[union-attr]
    streamed = await events(web, max_tokens=30, temperature=0, stop_sequences=[stop])
    assert streamed[-2]["delta"] == {"stop_reason": "stop_sequence", "stop_sequence": stop}


async def test_an_answer_goes_on_where_the_last_turn_ends(sdk: anthropic.AsyncAnthropic) -> None:
    full = await said(sdk)
    begun = [*ASKED, {"role": "assistant", "content": full[:7]}]
    assert await said(sdk, messages=begun, max_tokens=13) == full[7:]


async def test_tokens_are_counted_as_the_answer_counts_them(
    sdk: anthropic.AsyncAnthropic,
) -> None:
    fields: dict[str, Any] = {
        "model": NOISE,
        "messages": ASKED,
        "system": [{"type": "text", "text": "Be brief."}],
        "tools": TOOLS,
    }
    counted = await sdk.messages.count_tokens(**fields)
    usage = (await create(sdk, **fields)).usage
    assert usage.cache_read_input_tokens is not None
    assert counted.input_tokens == usage.input_tokens + usage.cache_read_input_tokens


async def test_councils_own_agent(server: Server) -> None:
    timeouts = Timeouts(connect=PATIENCE, first_token=PATIENCE, idle=PATIENCE, total=2 * PATIENCE)
    agent = AnthropicAgent("ada", SAGE, server.url, api_key="none", timeouts=timeouts)
    request = ChatRequest(
        model="",
        messages=(ChatMessage("system", "Be brief."), ChatMessage("user", FRANCE)),
        sampling=Sampling(temperature=0),
    )
    try:
        tokens = await collect(agent, request)
    finally:
        await agent.aclose()
    assert "Paris" in text(tokens)
    assert tokens[-1].finish_reason == "stop"
    usage = tokens[-1].usage
    assert usage is not None
    assert usage.prompt_tokens
    assert usage.completion_tokens


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_costs_nothing_more(server: Server, stream: bool) -> None:
    body = {"model": NOISE, "messages": ASKED, "max_tokens": 8000, "stream": stream}
    await leave(server, "/v1/messages", body)
