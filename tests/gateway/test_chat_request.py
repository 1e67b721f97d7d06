"""From a chat request to what a panel is asked, and what is refused on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from council.answer_form import AnswerForm
from council.gateway.chat_request import to_wish
from council.gateway.chat_schema import ChatBody
from council.gateway.errors import InvalidRequest
from council.gateway.fields import Wish
from council.messages import ChatMessage, ToolCall

USER = {"role": "user", "content": "What is 6 * 7?"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}


def wish(*messages: dict[str, Any], **fields: Any) -> Wish:
    body = {"model": "panel", "messages": messages or (USER,), **fields}
    return to_wish(ChatBody.model_validate_json(json.dumps(body)))


def refused(*messages: dict[str, Any], **fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        wish(*messages, **fields)
    return caught.value


def test_a_question() -> None:
    found = wish()
    assert found == Wish(
        "panel", (ChatMessage("user", "What is 6 * 7?"),), {"seed": 0}, None, False, ()
    )


def test_a_conversation_is_passed_on() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    found = wish(
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "In English."}]},
        {"role": "user", "content": "Add."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        {"role": "assistant", "content": None, "refusal": "No."},
        USER,
    )
    assert found.messages == (
        ChatMessage("system", "Be brief."),
        ChatMessage("developer", "In English."),
        ChatMessage("user", "Add."),
        ChatMessage("assistant", "", (ToolCall("c1", "add", "{}"),)),
        ChatMessage("tool", "42", tool_call_id="c1"),
        ChatMessage("assistant", "No."),
        ChatMessage("user", "What is 6 * 7?"),
    )


def test_texts_become_one_and_images_stay_parts() -> None:
    texts = [{"type": "text", "text": "What is"}, {"type": "text", "text": "6 * 7?"}]
    assert wish({"role": "user", "content": texts}).messages[0].content == "What is\n6 * 7?"
    seen = wish({"role": "user", "content": [texts[0], IMAGE]}).messages[0].content
    assert seen == ({"type": "text", "text": "What is"}, IMAGE)


def test_what_is_the_experts_own_is_named() -> None:
    found = wish(temperature=0.2, max_tokens=9, stop=[], top_p=None, user="me", mirostat=2, n=1)
    assert found.ignored == ("temperature", "max_tokens", "mirostat")


def test_what_asks_for_nothing_is_accepted() -> None:
    silent = {"tools": [], "tool_choice": "auto", "logprobs": False, "modalities": ["text"]}
    filed = {"user": "me", "metadata": {"a": "b"}, "store": True, "parallel_tool_calls": True}
    assert wish(**silent, **filed, functions=None).ignored == ()


def test_names_that_are_repeated_have_an_end() -> None:
    found = wish(**{f"field{n}" + "x" * 100: 1 for n in range(100)})
    assert len(found.ignored) == 64
    assert max(map(len, found.ignored)) == 64


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tools", [{"type": "function", "function": {"name": "add"}}]),
        ("tool_choice", "required"),
        ("functions", [{"name": "add"}]),
        ("n", 2),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("modalities", ["text", "audio"]),
        ("audio", {"voice": "x"}),
        ("grammar", "root ::= x"),
        ("guided_json", {"type": "object"}),
    ],
)
def test_what_a_panel_cannot_give_is_refused(field: str, value: object) -> None:
    error = refused(**{field: value})
    assert (error.status, error.param, error.code) == (400, field, "unsupported_parameter")
    assert error.message.startswith(f"{field} is not supported by a panel")


@pytest.mark.parametrize(
    ("part", "param", "words"),
    [
        ({"type": "input_audio", "input_audio": {}}, "type", "'input_audio' is not supported"),
        ({"type": "file", "file": {}}, "type", "'file' is not supported"),
        ({"type": "text"}, "text", "is missing"),
        ({"type": "image_url"}, "image_url", "is missing"),
        ({"type": "image_url", "image_url": {"url": "file:///x"}}, "image_url.url", "begin with"),
    ],
)
def test_parts_that_cannot_be_read_are_refused(part: Any, param: str, words: str) -> None:
    error = refused({"role": "user", "content": [part]})
    assert error.param == f"messages[0].content[0].{param}"
    assert words in error.message


@pytest.mark.parametrize("content", ["", " \n", None, []])
def test_an_empty_question_is_refused(content: object) -> None:
    error = refused({"role": "user", "content": content})
    assert (error.param, error.message) == (
        "messages",
        "messages: the last one, the question, is empty.",
    )


@pytest.mark.parametrize("role", ["system", "developer", "tool", "assistant"])
def test_the_last_turn_has_to_be_the_users(role: str) -> None:
    error = refused(USER, {"role": role, "content": "It"})
    assert error.param == "messages"
    assert (error.code == "prefill_not_supported") == (role == "assistant")


def test_the_panels_own_field() -> None:
    field = {
        "strategy": "judge",
        "seed": 3,
        "deadline": 2,
        "max_total_tokens": 100,
        "max_cost": 0.5,
        "show": "experts",
        "hold": True,
    }
    found = wish(council=field, seed=9)
    shown, held = field.pop("show"), field.pop("hold")
    assert (found.options, found.show, found.hold) == (field, shown, held)


def test_a_seed_is_the_runs() -> None:
    assert wish(seed=9).options == {"seed": 9}
    assert wish(seed=9).ignored == ()


@pytest.mark.parametrize(
    "field",
    [{"strategie": "vote"}, {"deadline": 0}, {"show": "all"}, {"max_cost": -1}, {"seed": "x"}],
)
def test_a_typo_in_the_panels_field_is_refused(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        wish(council=field)


def test_forms() -> None:
    described = {"name": "sum", "schema": SCHEMA, "strict": True}
    form = wish(response_format={"type": "json_schema", "json_schema": described})
    assert form.options["response_format"] == AnswerForm("sum", {"title": "sum", **SCHEMA})
    free = wish(response_format={"type": "json_object"})
    assert free.options["response_format"] == AnswerForm("answer", {"type": "object"})
    assert "response_format" not in wish(response_format={"type": "text"}).options


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {}}, "response_format.json_schema.schema"),
        (
            {"type": "json_schema", "json_schema": {"schema": {"type": "no such"}}},
            "response_format.json_schema.schema",
        ),
    ],
)
def test_a_form_that_cannot_be_checked_is_refused(form: Any, param: str) -> None:
    assert refused(response_format=form).param == param
