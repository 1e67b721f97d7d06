"""From a Messages request to what a panel is asked, and what is refused on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from council.answer_form import AnswerForm
from council.gateway.errors import InvalidRequest
from council.gateway.fields import Wish
from council.gateway.messages_request import to_wish
from council.gateway.messages_schema import MessagesBody
from council.messages import ChatMessage, ToolCall

USER = {"role": "user", "content": "What is 6 * 7?"}
CALL = {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}}
GIVEN = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "42"}]}


def wish(*messages: dict[str, Any], **fields: Any) -> Wish:
    body = {"model": "panel", "max_tokens": 9, "messages": messages or (USER,), **fields}
    return to_wish(MessagesBody.model_validate_json(json.dumps(body)))


def refused(*messages: dict[str, Any], **fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        wish(*messages, **fields)
    return caught.value


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said, "cache_control": {"type": "ephemeral"}}


def test_a_question() -> None:
    assert wish() == Wish(
        "panel", (ChatMessage("user", "What is 6 * 7?"),), {"seed": 0}, None, False, ("max_tokens",)
    )


@pytest.mark.parametrize("system", ["Be brief.\nNow.", [text("Be brief."), text("Now.")]])
def test_the_system_prompt_comes_first(system: object) -> None:
    assert wish(system=system).messages[0] == ChatMessage("system", "Be brief.\nNow.")


def test_a_conversation_is_passed_on() -> None:
    thoughts = [{"type": "thinking", "thinking": "Hm."}, {"type": "redacted_thinking", "data": "x"}]
    found = wish(
        user(text("What is"), text("1 + 41?")),
        {"role": "assistant", "content": [*thoughts, text("Let me see."), CALL]},
        user(GIVEN, text("And 6 * 7?")),
    )
    assert found.messages == (
        ChatMessage("user", "What is\n1 + 41?"),
        ChatMessage("assistant", "Let me see.", (ToolCall("t1", "add", '{"a": 1}'),)),
        ChatMessage("tool", "42", tool_call_id="t1"),
        ChatMessage("user", "And 6 * 7?"),
    )


def test_a_tool_that_failed_says_so() -> None:
    failed = {**GIVEN, "content": "no", "is_error": True}
    assert wish(user(failed, text("So?"))).messages[0].text == "Error: no"


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ({"type": "base64", "media_type": "image/png", "data": "AA"}, "data:image/png;base64,AA"),
        ({"type": "url", "url": "https://example.org/x.png"}, "https://example.org/x.png"),
    ],
)
def test_images_become_the_chat_apis(source: dict[str, str], url: str) -> None:
    found = wish(user({"type": "image", "source": source}, text("What is it?")))
    assert found.messages[0].content == (
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "text", "text": "What is it?"},
    )


def test_what_is_the_experts_own_is_named() -> None:
    found = wish(temperature=0.2, stop_sequences=["x"], metadata={"user_id": "me"}, top_k=3)
    assert found.ignored == ("max_tokens", "temperature", "stop_sequences", "top_k")


def test_who_wants_no_thoughts_is_shown_no_experts() -> None:
    assert wish(thinking={"type": "disabled"}).show == "answer"
    assert wish(thinking={"type": "disabled"}, council={"show": "experts"}).show == "experts"
    thinking = wish(thinking={"type": "enabled", "budget_tokens": 2000})
    assert (thinking.show, thinking.ignored) == (None, ("max_tokens", "thinking"))


def test_a_form() -> None:
    schema = {"type": "object"}
    found = wish(output_config={"format": {"type": "json_schema", "schema": schema}})
    assert found.options["response_format"] == AnswerForm("answer", schema)


@pytest.mark.parametrize("field", ["tools", "mcp_servers", "container", "context_management"])
def test_what_a_panel_cannot_give_is_refused(field: str) -> None:
    error = refused(**{field: [{"name": "add", "input_schema": {}}]})
    assert (error.status, error.param) == (400, field)


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([user({"type": "document", "source": {"type": "text"}})], "messages[0].content[0].type"),
        ([user({"type": "text"})], "messages[0].content[0].text"),
        ([user({"type": "image"})], "messages[0].content[0].source"),
        (
            [user({"type": "image", "source": {"type": "file", "file_id": "x"}})],
            "messages[0].content[0].source.type",
        ),
        (
            [user({"type": "image", "source": {"type": "base64", "data": "x"}})],
            "messages[0].content[0].source.media_type",
        ),
        ([user(CALL)], "messages[0].content[0].type"),
        ([user({"type": "tool_result"})], "messages[0].content[0].tool_use_id"),
        ([{"role": "assistant", "content": [GIVEN]}], "messages[0].content[0].type"),
        ([USER, {"role": "assistant", "content": "It"}], "messages"),
        ([user(GIVEN)], "messages"),
        ([{"role": "user", "content": " "}], "messages"),
        ([user()], "messages"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_refused(messages: list[dict[str, Any]], param: str) -> None:
    assert refused(*messages).param == param


@pytest.mark.parametrize("lacking", ["model", "max_tokens", "messages"])
def test_what_the_api_needs_is_needed(lacking: str) -> None:
    body = {"model": "panel", "max_tokens": 9, "messages": [USER]}
    del body[lacking]
    with pytest.raises(ValidationError, match=lacking):
        MessagesBody.model_validate(body)
