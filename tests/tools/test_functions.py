"""What a function tells of itself as a tool, and how its arguments are read."""

from __future__ import annotations

import functools
import json
from datetime import date
from typing import Annotated, Any, Literal

import anyio
import pytest
from pydantic import BaseModel, Field

import council
from council.errors import ConfigError
from council.messages import ToolCall
from council.tools.calling import outcome_of
from council.tools.functions import to_tools, tool_of
from council.tools.tool import BadArguments, Tool

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Place(BaseModel):
    city: str
    country: str = "NO"


def weather(
    place: Place,
    on: date,
    unit: Literal["C", "F"] = "C",
    *,
    days: Annotated[int, Field(ge=1, description="how many days")] = 1,
    json: list[str] | None = None,
) -> str:
    """The weather at a place.

    Args:
        place: Where.
    """
    return f"{place.city} {place.country} {on.isoformat()} {unit} {days} {json}"


async def run(tool: Tool, arguments: str) -> str:
    call = ToolCall("c", tool.name, arguments)
    outcome = await outcome_of(call, {tool.name: tool}, anyio.CapacityLimiter(1))
    return outcome.text


def test_a_signature_becomes_a_schema() -> None:
    tool = tool_of(weather)
    assert tool.name == "weather"
    assert tool.description == "The weather at a place.\n\nArgs:\n    place: Where."
    properties = tool.parameters["properties"]
    assert properties["on"] == {"type": "string", "format": "date"}
    assert properties["unit"] == {"enum": ["C", "F"], "type": "string", "default": "C"}
    assert properties["days"]["description"] == "how many days"
    assert list(properties) == ["place", "on", "unit", "days", "json"]
    assert tool.parameters["required"] == ["place", "on"]
    assert tool.parameters["additionalProperties"] is False
    assert "title" not in tool.parameters
    assert tool.described["function"]["parameters"] == tool.parameters
    assert json.dumps(tool.described)


async def test_arguments_come_as_the_types_asked_for() -> None:
    given = '{"place": {"city": "Oslo"}, "on": "2025-11-21", "days": "3", "json": ["x"]}'
    assert await run(tool_of(weather), given) == "Oslo NO 2025-11-21 C 3 ['x']"


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ('{"on": "soon"}', "place: Field required; on: Input should be a valid date"),
        ('{"place": {"city": 1}, "on": "2025-11-21"}', "place.city: Input should be a valid str"),
        ('{"place": {"city": "x"}, "on": "2025-11-21", "at": 1}', "at: Extra inputs are not perm"),
        ('{"place"', "Invalid JSON"),
        ("", "place: Field required"),
    ],
)
async def test_arguments_that_do_not_fit_are_told_apart(arguments: str, wrong: str) -> None:
    text = await run(tool_of(weather), arguments)
    assert text.startswith(f"the arguments of weather are wrong: {wrong}")


class Store:
    def __init__(self) -> None:
        self.kept: list[str] = []

    def keep(self, text: str) -> int:
        """Keeps a text."""
        self.kept.append(text)
        return len(self.kept)

    async def __call__(self, text: str) -> str:
        return f"called with {text}"


async def test_methods_partials_and_objects_are_functions_too() -> None:
    store = Store()
    assert await run(tool_of(store.keep), '{"text": "x"}') == "1"
    assert store.kept == ["x"]
    assert (tool_of(store).name, tool_of(store.keep).description) == ("Store", "Keeps a text.")
    assert await run(tool_of(store), '{"text": "x"}') == "called with x"
    bound = functools.partial(weather, on=date(2025, 1, 1))
    tool = Tool("at", "", tool_of(weather).parameters, lambda given: bound(Place(**given["place"])))
    given = '{"place": {"city": "Bergen"}, "on": "2025-11-21"}'
    assert await run(tool, given) == "Bergen NO 2025-01-01 C 1 None"


async def test_a_plain_function_may_give_something_to_await() -> None:
    async def later(text: str) -> str:
        return text.upper()

    tool = Tool("later", "", {"type": "object"}, lambda given: later(**given))
    assert await run(tool, '{"text": "x"}') == "X"


async def test_an_error_of_a_function_is_no_error_of_its_arguments() -> None:
    def parse(text: str) -> object:
        return Place.model_validate_json(text)

    text = await run(tool_of(parse), '{"text": "{}"}')
    assert text.startswith("parse failed: ValidationError: 1 validation error for Place")


async def test_a_result_that_cannot_be_written_is_told() -> None:
    circle: list[Any] = []
    circle.append(circle)
    tool = Tool("circle", "", {"type": "object"}, lambda given: circle)
    assert (await run(tool, "{}")).startswith("circle failed: PydanticSerialization")


async def test_a_cancelled_function_inside_ends_its_call_alone(anyio_backend: str) -> None:
    if anyio_backend != "asyncio":
        pytest.skip("only asyncio's tasks can be cancelled from outside")
    import asyncio

    async def cancels_itself() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    scripts = (_calling("cancels_itself"), "I go on.")
    agent = council.ScriptedAgent("ada", *scripts)
    result = await council.ask("?", panel=[agent], tools=[cancels_itself])
    assert result.answer == "I go on."
    assert result.experts[0].tools[0].result == "cancels_itself was ended before its end"


def _calling(name: str) -> list[council.ChatToken]:
    from council.messages import ToolCallDelta

    return [council.ChatToken(tool_calls=(ToolCallDelta(0, "c", name, "{}"),))]


def no_annotation(x) -> None:  # type: ignore[no-untyped-def]
    pass


def many(*x: int) -> None:
    pass


def first(x: int, /) -> None:
    pass


def odd(x: anyio.Event) -> None:
    pass


def unknown(x: Missing) -> None:  # type: ignore[name-defined]  # noqa: F821
    pass


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (no_annotation, "parameter 'x' has no annotation: say what it is"),
        (many, "parameter 'x' cannot be given by name"),
        (first, "parameter 'x' cannot be given by name"),
        (odd, "a parameter cannot be given as JSON"),
        (unknown, "its signature cannot be read"),
        (lambda: None, "'<lambda>': a name has up to 64 letters"),
        (3, "expected a function or a council.Tool, got 3"),
    ],
)
def test_a_function_that_is_no_tool_says_why(function: Any, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        to_tools([function])


def test_names_have_to_differ() -> None:
    with pytest.raises(ConfigError, match="two tools are called 'keep'"):
        to_tools([Store().keep, Store().keep])


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"type": "string"}, "have to be of type 'object'"),
        ({"type": "object", "properties": {"x": {"type": "nothing"}}}, "not a JSON schema"),
    ],
)
def test_a_schema_by_hand_is_checked(schema: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        Tool("x", "", schema, print)


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [("{", "no JSON"), ("[]", "is not of type 'object'"), ('{"n": "x"}', "n: 'x' is not of type")],
)
def test_arguments_are_checked_by_a_schema_by_hand(arguments: str, wrong: str) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    tool = Tool("x", "", schema, print)
    assert tool.arguments('{"n": 3}') == {"n": 3}
    with pytest.raises(BadArguments, match=wrong):
        tool.arguments(arguments)


async def test_what_stands_in_ask_is_checked_before_anybody_is_asked() -> None:
    agent = council.ScriptedAgent("ada", "42")
    for wrong in ({"tools": [3]}, {"max_tool_turns": 0}):
        with pytest.raises(ConfigError):
            await council.ask("?", panel=[agent], **wrong)
    assert agent.requests == []
