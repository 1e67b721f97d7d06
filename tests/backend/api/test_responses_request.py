"""What requests for responses ask of a model."""

from __future__ import annotations

from typing import Any

import pytest

from backend.api.responses_request import to_ask
from backend.chat.wanted import NamedTool, Wanted
from backend.errors import InvalidRequest
from backend.schema.responses import ResponsesRequest

TOOL = {"type": "function", "name": "add", "parameters": {"type": "object"}, "strict": True}
OTHER = {"type": "function", "name": "subtract"}
CALL = {"type": "function_call", "call_id": "c1", "name": "add", "arguments": '{"a": 1}'}


def wanted(input: Any = "hello", **fields: Any) -> Wanted:
    return to_ask(ResponsesRequest.model_validate({"input": input, **fields})).wanted


def refusal(input: Any = "hello", **fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        wanted(input, **fields)
    return refused.value


def test_a_text_and_instructions() -> None:
    assert wanted("hi", instructions="Be brief.").messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
    ]


def test_items_become_turns() -> None:
    reasoning = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Hm."}],
    }
    said = {"type": "output_text", "text": "Let me add.", "annotations": []}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "content": [said]}
    output = {"type": "function_call_output", "call_id": "c1", "output": "3"}
    found = wanted([{"role": "developer", "content": "D"}, reasoning, message, CALL, output])
    function = {"name": "add", "arguments": '{"a": 1}'}
    assert found.messages == [
        {"role": "system", "content": "D"},
        {
            "role": "assistant",
            "content": "Let me add.",
            "reasoning_content": "Hm.",
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "c1", "name": "add", "content": "3"},
    ]


def test_people_who_speak_twice_have_two_turns() -> None:
    texts = [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]
    found = wanted([{"role": "user", "content": texts}, {"role": "user", "content": "c"}])
    assert [message["content"] for message in found.messages] == ["a\nb", "c"]


def test_choices_of_tools() -> None:
    tools = [TOOL, OTHER]
    assert wanted(tools=tools).tool_choice == "auto"
    assert wanted(tools=tools, tool_choice="required").tool_choice == "required"
    named = wanted(tools=tools, tool_choice={"type": "function", "name": "add"})
    assert named.tool_choice == NamedTool("add")
    assert wanted(tools=tools, parallel_tool_calls=False).parallel is False
    some = {"type": "allowed_tools", "mode": "required", "tools": [{**OTHER}]}
    allowed = wanted(tools=tools, tool_choice=some)
    assert allowed.tool_choice == "required"
    assert [tool["function"]["name"] for tool in allowed.tools] == ["subtract"]


def test_tools_that_are_allowed_but_not_there() -> None:
    named = {"type": "function", "name": "divide"}
    some = {"type": "allowed_tools", "mode": "auto", "tools": [named]}
    refused = refusal(tools=[TOOL], tool_choice=some)
    assert refused.message == "tool_choice: there is no tool 'divide'; there are: add."
    assert refused.param == "tool_choice"


def test_forms_of_the_text() -> None:
    schema = {"type": "json_schema", "name": "x", "schema": {"type": "object"}}
    assert wanted(text={"format": schema}).schema == {"type": "object"}
    assert wanted(text={"format": {"type": "json_object"}}).schema is True
    assert wanted(text={"format": {"type": "text"}}).schema is None
    assert refusal(text={"format": {"type": "json_schema"}}).param == "text.format.schema"


def test_efforts() -> None:
    assert wanted(reasoning={"effort": "none"}).thinking is False
    high = wanted(reasoning={"effort": "high"})
    assert (high.thinking, high.template_arguments) == (None, {"reasoning_effort": "high"})
    assert wanted().template_arguments == {}


def test_logprobs_are_asked_for_in_two_ways() -> None:
    included = {"include": ["message.output_text.logprobs"]}
    for fields, expected in (({}, None), (included, 0), ({"top_logprobs": 3}, 3)):
        request = ResponsesRequest.model_validate({"input": "x", **fields})
        assert to_ask(request).logprobs == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("previous_response_id", "resp_1"),
        ("conversation", "conv_1"),
        ("prompt", {"id": "p"}),
        ("background", True),
    ],
)
def test_what_a_server_would_have_to_remember(field: str, value: Any) -> None:
    refused = refusal(**{field: value})
    assert (refused.param, refused.code) == (field, "unsupported_parameter")


def test_items_that_are_not_there() -> None:
    reference = refusal([{"type": "item_reference", "id": "msg_1"}])
    assert reference.param == "input[0]"
    output = {"type": "function_call_output", "call_id": "c9", "output": "3"}
    assert refusal([CALL, output]).param == "input[1].call_id"
