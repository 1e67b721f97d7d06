"""What a request may use at most, by its fields."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from council.messages import ChatMessage, ChatRequest, Sampling, ToolCall
from council.worst_case import (
    PART_TOKENS,
    answers_of,
    most_prompt_tokens,
    stated_limit,
    with_limit,
)


def request(text: str = "Why?", limit: int | None = None, **fields: Any) -> ChatRequest:
    sampling = Sampling(max_tokens=limit)
    return ChatRequest("m", (ChatMessage("user", text),), sampling, **fields)


@given(st.text())
def test_a_prompt_has_at_most_as_many_tokens_as_bytes(text: str) -> None:
    assert most_prompt_tokens(request(text)) >= len(text.encode("utf-8", "replace"))


def test_what_goes_along_counts_too() -> None:
    plain = most_prompt_tokens(request())
    schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "array"}}}
    assert most_prompt_tokens(request(response_format=schema)) > plain + 60
    assert most_prompt_tokens(request(tools=({"type": "function"},))) > plain + 15
    assert most_prompt_tokens(request(extra={"tools": ["x" * 50]})) > plain + 50
    thoughts = {"call-1": {"thinking": [{"type": "thinking", "thinking": "é" * 500}]}}
    called = ChatMessage("assistant", tool_calls=(ToolCall("call-1", "f", "{}"),), extra=thoughts)
    assert most_prompt_tokens(ChatRequest("m", (called,))) > 1000
    picture = ChatMessage("user", ({"type": "image_url", "image_url": {"url": "data:…"}},))
    assert most_prompt_tokens(ChatRequest("m", (picture,))) > PART_TOKENS


@pytest.mark.parametrize(
    ("limit", "extra", "stated"),
    [
        (None, {}, None),
        (7, {}, 7),
        (7, {"max_tokens": 9}, 9),
        (None, {"max_completion_tokens": 5}, 5),
        (7, {"max_tokens": None}, 7),
    ],
)
def test_a_limit_in_the_body_replaces_the_knob(
    limit: int | None, extra: dict[str, Any], stated: int | None
) -> None:
    assert stated_limit(request(limit=limit, extra=extra)) == stated


def test_a_limit_is_put_in() -> None:
    limited = with_limit(request(), 40)
    assert stated_limit(limited) == 40
    assert limited.messages == request().messages


def test_several_answers() -> None:
    assert [answers_of(r) for r in (request(), request(n=3), request(extra={"n": 2}))] == [1, 3, 2]
