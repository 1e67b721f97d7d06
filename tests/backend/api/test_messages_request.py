"""What Anthropic's requests ask of a model."""

from __future__ import annotations

from typing import Any

import pytest

from backend.api.messages_request import to_ask, to_wanted
from backend.chat.wanted import NamedTool
from backend.errors import InvalidRequest
from backend.schema.messages import CountRequest, MessagesRequest

TOOL = {"name": "add", "description": "Adds.", "input_schema": {"type": "object"}}
CALL = {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}}


def request(messages: Any = "hello", **fields: Any) -> MessagesRequest:
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    return MessagesRequest.model_validate({"messages": messages, "max_tokens": 9, **fields})


def messages_of(*turns: tuple[str, Any], **fields: Any) -> list[dict[str, Any]]:
    messages = [{"role": role, "content": content} for role, content in turns]
    return [dict(message) for message in to_wanted(request(messages, **fields)).messages]


def refusal(*turns: tuple[str, Any], **fields: Any) -> InvalidRequest:
    messages = [{"role": role, "content": content} for role, content in turns]
    made = request(messages or "hello", **fields)
    with pytest.raises(InvalidRequest) as refused:
        to_ask(made)
    return refused.value


def test_both_forms_of_a_system_prompt() -> None:
    blocks = [{"type": "text", "text": "Be", "cache_control": {"type": "ephemeral"}}]
    found = messages_of(("user", "hi"), system=[*blocks, {"type": "text", "text": "brief."}])
    assert found == [
        {"role": "system", "content": "Be\nbrief."},
        {"role": "user", "content": "hi"},
    ]
    assert messages_of(("user", "hi"), system="Be\nbrief.") == found


def test_a_round_of_tools() -> None:
    thoughts = {"type": "thinking", "thinking": "Hm.", "signature": "unsigned"}
    hidden = {"type": "redacted_thinking", "data": "xyz"}
    says = [thoughts, hidden, {"type": "text", "text": "Let me add."}, CALL]
    gave = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "3"}]}
    found = messages_of(("user", "1+2"), ("assistant", says), ("user", [gave]))
    function = {"name": "add", "arguments": {"a": 1}}
    assert found[1:] == [
        {
            "role": "assistant",
            "content": "Let me add.",
            "reasoning_content": "Hm.",
            "tool_calls": [{"id": "t1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "t1", "name": "add", "content": "3"},
    ]


def test_results_stand_where_they_were_among_a_persons_words() -> None:
    again = {**CALL, "id": "t2"}
    failed = {"type": "tool_result", "tool_use_id": "t1", "content": "no", "is_error": True}
    empty = {"type": "tool_result", "tool_use_id": "t2"}
    after = {"type": "text", "text": "and now?"}
    found = messages_of(
        ("user", "x"), ("assistant", [CALL, again]), ("user", [failed, empty, after])
    )
    assert [(message["role"], message["content"]) for message in found[2:]] == [
        ("tool", "Error: no"),
        ("tool", ""),
        ("user", "and now?"),
    ]


def test_turns_of_one_side_in_a_row_are_one() -> None:
    found = messages_of(("user", "a"), ("user", "b"), ("assistant", "c"), ("assistant", "d"))
    assert found == [
        {"role": "user", "content": "a\nb"},
        {"role": "assistant", "content": "c\nd"},
    ]


@pytest.mark.parametrize(
    ("choice", "expected", "parallel"),
    [
        ({"type": "auto"}, "auto", True),
        ({"type": "any", "disable_parallel_tool_use": True}, "required", False),
        ({"type": "none"}, "none", True),
        ({"type": "tool", "name": "add"}, NamedTool("add"), True),
    ],
)
def test_choices_of_tools(choice: dict[str, Any], expected: Any, parallel: bool) -> None:
    wanted = to_wanted(request(tools=[TOOL], tool_choice=choice))
    assert (wanted.tool_choice, wanted.parallel) == (expected, parallel)
    function = {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}
    assert list(wanted.tools) == [{"type": "function", "function": function}]


def test_a_choice_of_a_tool_names_it() -> None:
    assert "tool_choice.name" in refusal(tools=[TOOL], tool_choice={"type": "tool"}).message


def test_thinking_and_the_form_of_the_answer() -> None:
    form = {"type": "json_schema", "schema": {"type": "object"}}
    wanted = to_wanted(
        request(
            max_tokens=2000,
            thinking={"type": "enabled", "budget_tokens": 1024},
            output_config={"format": form, "effort": "high"},
        )
    )
    assert wanted.thinking is True
    assert wanted.schema == {"type": "object"}
    assert wanted.template_arguments == {"reasoning_effort": "high"}
    assert to_wanted(request(thinking={"type": "disabled"})).thinking is False
    assert to_wanted(request(thinking={"type": "adaptive"})).thinking is None
    assert to_wanted(request()).thinking is None


def test_the_choices_of_the_sampler() -> None:
    ask = to_ask(request(temperature=0.5, top_k=3, top_p=0.2, stop_sequences=["a", "b"]))
    assert (ask.sampling.temperature, ask.sampling.top_k, ask.sampling.top_p) == (0.5, 3, 0.2)
    assert (ask.stop, ask.max_tokens) == (("a", "b"), 9)


def test_what_does_not_fit_together() -> None:
    gave = {"type": "tool_result", "tool_use_id": "t9", "content": "3"}
    unknown = refusal(("user", "x"), ("assistant", [CALL]), ("user", [gave]))
    assert unknown.param == "messages[2].content[0].tool_use_id"
    assert "'t9'" in unknown.message
    assert refusal(("user", [CALL])).message.endswith("a tool_use block belongs to the assistant.")
    misplaced = refusal(("user", "x"), ("assistant", [gave]))
    assert misplaced.message.endswith("a tool_result block belongs to the user.")
    assert "no" in refusal(("user", [])).message
    budget = refusal(max_tokens=1024, thinking={"type": "enabled", "budget_tokens": 1024})
    assert budget.param == "thinking.budget_tokens"


@pytest.mark.parametrize("field", ["mcp_servers", "container", "context_management"])
def test_what_only_anthropics_own_servers_do(field: str) -> None:
    assert refusal(**{field: [{"type": "url"}]}).param == field
    to_ask(request(**{field: None}))


def test_a_prompt_to_count_needs_no_limit() -> None:
    counted = CountRequest.model_validate({"messages": [{"role": "user", "content": "x"}]})
    assert to_wanted(counted) == to_wanted(request("x"))
