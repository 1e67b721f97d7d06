"""OpenAI's Responses API through OpenAI's own client, over a real socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import openai
import pytest
from openai.types.responses import ResponseFunctionToolCall, ResponseReasoningItem

from tests.backend.dialects import (
    FORMS,
    FRANCE,
    NOISE,
    SAGE,
    THINKER,
    Weather,
    leave,
    parsed,
    serving,
)
from tests.backend.serving import PATIENCE, Server

pytestmark = pytest.mark.anyio
TOOLS: list[Any] = [
    {"type": "function", "name": name, "parameters": form.model_json_schema(), "strict": True}
    for name, form in FORMS.items()
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("responses")) as found:
        yield found


@pytest.fixture
async def sdk(server: Server) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's client."""
    async with openai.AsyncOpenAI(
        base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=PATIENCE
    ) as found:
        yield found


async def create(sdk: openai.AsyncOpenAI, **fields: Any) -> Any:
    body = {"model": NOISE, "input": FRANCE, "max_output_tokens": 20, "temperature": 0, **fields}
    return await sdk.responses.create(**body)


async def test_a_whole_response(sdk: openai.AsyncOpenAI) -> None:
    found = await create(sdk, model=SAGE, instructions="Be brief.", metadata={"a": "b"}, store=True)
    assert "Paris" in found.output_text
    assert (found.status, found.error, found.incomplete_details) == ("completed", None, None)
    assert (found.model, found.metadata, found.instructions) == (SAGE, {"a": "b"}, "Be brief.")
    assert found.model_extra == {} or found.model_extra["store"] is False
    assert found.usage.total_tokens == found.usage.input_tokens + found.usage.output_tokens


async def test_a_stream_says_what_the_whole_response_says(sdk: openai.AsyncOpenAI) -> None:
    whole = await create(sdk, model=SAGE)
    deltas: list[str] = []
    async with sdk.responses.stream(model=SAGE, input=FRANCE, temperature=0) as stream:
        async for event in stream:
            if event.type == "response.output_text.delta":
                deltas.append(event.delta)
                assert event.snapshot == "".join(deltas)
        final = await stream.get_final_response()
    assert len(deltas) > 2
    assert "".join(deltas) == final.output_text == whole.output_text
    assert final.usage is not None
    assert final.usage.output_tokens == whole.usage.output_tokens


async def test_a_limit_leaves_a_response_incomplete(
    sdk: openai.AsyncOpenAI, web: httpx.AsyncClient
) -> None:
    whole = await create(sdk)
    assert (whole.status, whole.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert whole.output[0].status == "incomplete"
    body = {"model": NOISE, "input": FRANCE, "max_output_tokens": 2, "stream": True}
    lines = (await web.post("/v1/responses", json=body)).text.split("\n")
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert [name.removeprefix("response.") for name in names] == [
        *("created", "in_progress", "output_item.added", "content_part.added"),
        *("output_text.delta", "output_text.delta", "output_text.done"),
        *("content_part.done", "output_item.done", "incomplete"),
    ]
    datas = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert [data["type"] for data in datas] == names
    assert [data["sequence_number"] for data in datas] == list(range(len(datas)))


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "name": "weather"}], ids=["any", "named"]
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_round_of_tools(sdk: openai.AsyncOpenAI, choice: Any, stream: bool) -> None:
    body: dict[str, Any] = {"model": NOISE, "input": FRANCE, "tools": TOOLS, "tool_choice": choice}
    body["parallel_tool_calls"] = False
    if stream:
        async with sdk.responses.stream(**body) as events:
            found: Any = await events.get_final_response()
    else:
        found = await sdk.responses.create(**body)
    assert found.status == "completed"
    assert len(found.output) == 1
    for call in found.output:
        assert isinstance(call, ResponseFunctionToolCall)
        assert isinstance(choice, str) or call.name == "weather"
        parsed(call.name, call.arguments)
    outputs = [
        {"type": "function_call_output", "call_id": call.call_id, "output": "5"}
        for call in found.output
    ]
    items = [{"role": "user", "content": FRANCE}, *found.output, *outputs]
    final = await create(sdk, input=items, tools=TOOLS, tool_choice="none")
    assert [item.type for item in final.output] == ["message"]


async def test_a_text_parsed_into_a_model(sdk: openai.AsyncOpenAI) -> None:
    found = await sdk.responses.parse(model=NOISE, input=FRANCE, text_format=Weather)
    assert isinstance(found.output_parsed, Weather)
    async with sdk.responses.stream(model=NOISE, input=FRANCE, text_format=Weather) as stream:
        final = await stream.get_final_response()
    assert isinstance(final.output_parsed, Weather)
    free = await sdk.responses.create(
        model=NOISE, input=FRANCE, text={"format": {"type": "json_object"}}, max_output_tokens=400
    )
    assert free.status == "incomplete" or isinstance(json.loads(free.output_text), dict)


async def test_thoughts_are_items_and_may_be_sent_back(sdk: openai.AsyncOpenAI) -> None:
    found = await create(sdk, model=THINKER)
    [item] = found.output
    assert isinstance(item, ResponseReasoningItem)
    assert item.content is not None
    assert len(item.content[0].text) == 20
    turns = [{"role": "user", "content": FRANCE}, item, {"role": "user", "content": "Go on."}]
    await create(sdk, model=THINKER, input=turns)
    silent = await create(sdk, model=THINKER, reasoning={"effort": "none"})
    assert [item.type for item in silent.output] == ["message"]


@pytest.mark.parametrize("model", [NOISE, SAGE])
async def test_logprobs(sdk: openai.AsyncOpenAI, model: str) -> None:
    found = await create(sdk, model=model, top_logprobs=2)
    content = found.output[0].content[0]
    assert "".join(token.token for token in content.logprobs).startswith(content.text)
    assert all(len(token.top_logprobs) == 2 for token in content.logprobs)
    streamed = [
        token.token
        async for event in await create(sdk, model=model, top_logprobs=2, stream=True)
        if event.type == "response.output_text.delta"
        for token in event.logprobs
    ]
    assert "".join(streamed).startswith(content.text)


async def test_errors_arrive_as_the_clients_own(sdk: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        await create(sdk, model="gpt-9")
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError, match="keeps no responses") as earlier:
        await create(sdk, previous_response_id="resp_1")
    assert earlier.value.param == "previous_response_id"
    with pytest.raises(openai.BadRequestError, match="no tools of its own") as search:
        await create(sdk, tools=[{"type": "web_search"}])
    assert search.value.param == "tools[0]"
    with pytest.raises(openai.BadRequestError) as schema:
        await create(sdk, tools=[{"type": "function", "name": "f", "parameters": {"type": 3}}])
    assert str(schema.value.param).startswith("tools[0].parameters")
    with pytest.raises(openai.BadRequestError, match=r"'divide'; there are: weather") as named:
        await create(sdk, tools=TOOLS, tool_choice={"type": "function", "name": "divide"})
    assert named.value.param == "tool_choice"
    none = {"type": "allowed_tools", "mode": "required", "tools": []}
    with pytest.raises(openai.BadRequestError, match="there are no tools") as allowed:
        await create(sdk, tools=TOOLS, tool_choice=none)
    assert allowed.value.param == "tool_choice"
    with pytest.raises(openai.BadRequestError) as effort:
        await create(sdk, reasoning={"effort": "high"})
    assert effort.value.param == "reasoning.effort"
    with pytest.raises(openai.BadRequestError) as long:
        await create(sdk, input="word " * 3000, stream=True)
    assert (long.value.code, long.value.param) == ("context_length_exceeded", "input")


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_costs_nothing_more(server: Server, stream: bool) -> None:
    body = {"model": NOISE, "input": FRANCE, "max_output_tokens": 8000, "stream": stream}
    await leave(server, "/v1/responses", body)
