"""Tools and forms of answers through OpenAI's own client, on a model that was never trained.

What it writes is noise, so whatever has a form here has it by grammar.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Literal

import openai
import pytest
from pydantic import BaseModel, ConfigDict, Field

from tests.backend.serving import PATIENCE, Server

pytestmark = pytest.mark.anyio
QUESTION: list[Any] = [{"role": "user", "content": "How is the weather?"}]


class Weather(BaseModel):
    """Where to look, and how far ahead."""

    model_config = ConfigDict(extra="forbid", strict=True)

    city: Literal["Bern", "Oslo", "Zürich"]
    days: int = Field(ge=1, le=7)
    units: list[Literal["C", "F"]] = Field(min_length=1, max_length=2)


class Yes(BaseModel):
    """An answer of one word."""

    model_config = ConfigDict(extra="forbid")

    yes: bool


def tool(name: str, form: type[BaseModel]) -> dict[str, Any]:
    parameters = form.model_json_schema()
    function = {"name": name, "parameters": parameters, "strict": True}
    return {"type": "function", "function": function}


FORMS: dict[str, type[BaseModel]] = {"weather": Weather, "agree": Yes}
TOOLS: list[Any] = [tool(name, form) for name, form in FORMS.items()]
ONE: dict[str, Any] = {"type": "function", "function": {"name": "weather"}}


@pytest.fixture
async def sdk(endless: Server) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's client."""
    async with openai.AsyncOpenAI(
        base_url=f"{endless.url}/v1", api_key="none", max_retries=0, timeout=PATIENCE
    ) as found:
        yield found


async def ask(sdk: openai.AsyncOpenAI, **fields: Any) -> Any:
    body = {"model": "endless", "messages": QUESTION, "max_tokens": 2000, **fields}
    return await sdk.chat.completions.create(**body)


def checked(calls: Any) -> list[str]:
    """The names of calls, whose arguments are as their tools want them."""
    for call in calls:
        assert call.type == "function"
        assert call.id
        FORMS[call.function.name].model_validate_json(call.function.arguments)
    assert len({call.id for call in calls}) == len(calls)
    return [call.function.name for call in calls]


@pytest.mark.parametrize("seed", range(3))
async def test_required_calls_some_tool(sdk: openai.AsyncOpenAI, seed: int) -> None:
    answer = await ask(sdk, tools=TOOLS, tool_choice="required", seed=seed)
    (choice,) = answer.choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert checked(choice.message.tool_calls)


async def test_a_named_tool_is_called_and_no_other(sdk: openai.AsyncOpenAI) -> None:
    answer = await ask(sdk, tools=TOOLS, tool_choice=ONE, n=4)
    for choice in answer.choices:
        assert choice.finish_reason == "tool_calls"
        assert checked(choice.message.tool_calls) == ["weather"]


async def test_the_deltas_of_a_call(sdk: openai.AsyncOpenAI) -> None:
    fields: dict[str, Any] = {"tools": TOOLS, "tool_choice": ONE, "seed": 1}
    fields["parallel_tool_calls"] = False
    whole = (await ask(sdk, **fields)).choices[0].message.tool_calls
    stream = await ask(sdk, **fields, stream=True)
    chunks = [chunk.choices[0] async for chunk in stream]
    first, *more = [call for chunk in chunks for call in chunk.delta.tool_calls or ()]
    assert (first.index, first.type, first.function.name) == (0, "function", "weather")
    assert first.id
    assert first.function.arguments == ""
    assert all((call.index, call.id, call.function.name) == (0, None, None) for call in more)
    assert "".join(call.function.arguments for call in more) == whole[0].function.arguments
    assert len(more) > 3
    reasons = [chunk.finish_reason for chunk in chunks]
    assert reasons == [None] * (len(reasons) - 1) + ["tool_calls"]


async def test_the_clients_stream_helper_gathers_calls(sdk: openai.AsyncOpenAI) -> None:
    async with sdk.chat.completions.stream(
        model="endless", messages=QUESTION, tools=TOOLS, tool_choice="required", max_tokens=2000
    ) as stream:
        done = [
            event async for event in stream if event.type == "tool_calls.function.arguments.done"
        ]
        final = await stream.get_final_completion()
    calls = final.choices[0].message.tool_calls
    assert checked(calls) == [event.name for event in done]


async def test_a_round_trip(sdk: openai.AsyncOpenAI) -> None:
    first = await ask(sdk, tools=TOOLS, tool_choice=ONE, parallel_tool_calls=False)
    message = first.choices[0].message
    call = message.tool_calls[0]
    result = {"role": "tool", "tool_call_id": call.id, "content": '{"sky": "clear"}'}
    history = [*QUESTION, message.model_dump(exclude_none=True), result]
    second = await ask(sdk, messages=history, tools=TOOLS, max_tokens=9)
    assert second.choices[0].finish_reason == "length"
    assert second.choices[0].message.content
    assert second.usage.prompt_tokens > first.usage.prompt_tokens


async def test_an_answer_becomes_a_model(sdk: openai.AsyncOpenAI) -> None:
    for seed in range(3):
        answer = await sdk.chat.completions.parse(
            model="endless", messages=QUESTION, response_format=Weather, seed=seed
        )
        assert isinstance(answer.choices[0].message.parsed, Weather)
        assert answer.choices[0].finish_reason == "stop"


async def test_a_streamed_answer_becomes_a_model(sdk: openai.AsyncOpenAI) -> None:
    async with sdk.chat.completions.stream(
        model="endless", messages=QUESTION, response_format=Yes
    ) as stream:
        final = await stream.get_final_completion()
    assert isinstance(final.choices[0].message.parsed, Yes)


async def test_any_object(sdk: openai.AsyncOpenAI) -> None:
    answer = await ask(sdk, response_format={"type": "json_object"}, max_tokens=4000)
    (choice,) = answer.choices
    assert choice.message.content.startswith("{")
    if choice.finish_reason == "stop":
        assert isinstance(json.loads(choice.message.content), dict)


@pytest.mark.parametrize(
    "fields",
    [
        {"grammar": 'root ::= ("yes" | "no") "!"{3}'},
        {"json_schema": {"enum": ["yes!!!", "no!!!"]}},
        {"json_schema": {"const": "yes!!!"}},
    ],
)
async def test_llama_servers_names(sdk: openai.AsyncOpenAI, fields: dict[str, Any]) -> None:
    answer = await ask(sdk, extra_body=fields)
    assert answer.choices[0].message.content.strip('"') in ("yes!!!", "no!!!")
    assert answer.choices[0].finish_reason == "stop"


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    (
        {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "nobody"}}},
        "tool_choice",
        "'nobody'",
    ),
    (
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": 3}}}]},
        "tools[0].function.parameters",
        "type",
    ),
    ({"tools": [TOOLS[0], TOOLS[0]]}, "tools[1].function.name", "twice"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type", "function"),
    ({"tool_choice": "required"}, "tool_choice", "required"),
    (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": {"type": "nothing"}},
            }
        },
        "response_format.json_schema.schema",
        "type",
    ),
    ({"extra_body": {"grammar": 'root ::= "a'}}, "grammar", "line 1, column"),
    ({"extra_body": {"grammar": "root ::= root"}}, "grammar", "line"),
    ({"functions": [{"name": "f"}]}, "functions", "Use tools"),
    ({"function_call": "auto"}, "function_call", "Use tool_choice"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("fields", "param", "words"), REFUSED)
async def test_what_cannot_be_done_is_the_clients_own_exception(
    sdk: openai.AsyncOpenAI, fields: dict[str, Any], param: str, words: str, stream: bool
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await ask(sdk, **fields, stream=stream)
    assert caught.value.param is not None
    assert caught.value.param.startswith(param)
    assert words in caught.value.message
    assert caught.value.type == "invalid_request_error"
