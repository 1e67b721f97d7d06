"""A request as Anthropic's Messages API wants it."""

from __future__ import annotations

from typing import Any

import pytest

from council.agents.anthropic_body import DEFAULT_MAX_TOKENS, request_body
from council.messages import ChatMessage, ChatRequest, Json, Sampling, ToolCall

USER = ChatMessage("user", "hi")
HI = {"type": "text", "text": "hi"}
PNG = "iVBORw0KGgo="


def body(*messages: ChatMessage, **fields: Any) -> dict[str, Any]:
    return request_body(ChatRequest("", messages or (USER,), **fields), "claude")


def turns(*messages: ChatMessage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body(*messages)["messages"]
    return found


def test_the_least_that_is_sent() -> None:
    assert body() == {
        "model": "claude",
        "messages": [{"role": "user", "content": [HI]}],
        "stream": True,
        "max_tokens": DEFAULT_MAX_TOKENS,
    }


def test_the_requests_own_model_counts() -> None:
    assert request_body(ChatRequest("mine", (USER,)), "claude")["model"] == "mine"


def test_knobs_by_their_names_there_and_the_others_left_out() -> None:
    everything = Sampling(
        temperature=1.5,
        top_p=0.9,
        top_k=40,
        min_p=0.1,
        presence_penalty=1.0,
        frequency_penalty=1.0,
        max_tokens=7,
        seed=3,
        stop=("END", "\n\n"),
    )
    sent = body(sampling=everything, logprobs=2, n=3, response_format={"type": "json_object"})
    assert {name: value for name, value in sent.items() if name not in body()} == {
        "temperature": 1.5,
        "top_p": 0.9,
        "top_k": 40,
        "stop_sequences": ["END", "\n\n"],
    }
    assert sent["max_tokens"] == 7


def test_extra_fields_have_the_last_word() -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    sent = body(extra={"thinking": thinking, "max_tokens": 2048})
    assert (sent["thinking"], sent["max_tokens"]) == (thinking, 2048)


def test_system_messages_become_the_system_prompt() -> None:
    sent = body(ChatMessage("system", "a"), USER, ChatMessage("developer", "b"))
    assert sent["system"] == "a\n\nb"
    assert sent["messages"] == [{"role": "user", "content": [HI]}]


def test_system_parts_keep_what_they_carry() -> None:
    part = {"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}
    sent = body(ChatMessage("system", "a"), ChatMessage("system", (part,)), USER)
    assert sent["system"] == [{"type": "text", "text": "a"}, part]


def test_turns_of_one_side_in_a_row_are_one_turn() -> None:
    assert turns(
        USER,
        ChatMessage("user", "again"),
        ChatMessage("assistant", "yes?"),
        ChatMessage("user", "well"),
    ) == [
        {"role": "user", "content": [HI, {"type": "text", "text": "again"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "yes?"}]},
        {"role": "user", "content": [{"type": "text", "text": "well"}]},
    ]


@pytest.mark.parametrize("nothing", ["", "  \n", ({"type": "text", "text": ""},), ()])
def test_a_turn_without_words_parts_no_others(nothing: str | tuple[Json, ...]) -> None:
    messages = (USER, ChatMessage("assistant", nothing), ChatMessage("user", "hi"))
    assert turns(*messages) == [{"role": "user", "content": [HI, HI]}]


@pytest.mark.parametrize(
    ("url", "source"),
    [
        (
            f"data:image/png;base64,{PNG}",
            {"type": "base64", "media_type": "image/png", "data": PNG},
        ),
        (
            "data:image/svg+xml;charset=utf-8,%3Csvg/%3E",
            {"type": "base64", "media_type": "image/svg+xml", "data": "PHN2Zy8+"},
        ),
        ("https://pictures.test/a.png", {"type": "url", "url": "https://pictures.test/a.png"}),
    ],
)
@pytest.mark.parametrize("short", [True, False])
def test_images(url: str, source: dict[str, str], short: bool) -> None:
    image = {"type": "image_url", "image_url": url if short else {"url": url, "detail": "low"}}
    (turn,) = turns(ChatMessage("user", (HI, image)))
    assert turn["content"] == [HI, {"type": "image", "source": source}]


def test_blocks_of_the_api_itself_stay_as_they_are() -> None:
    document = {"type": "document", "source": {"type": "url", "url": "https://papers.test/a.pdf"}}
    (turn,) = turns(ChatMessage("user", (document, HI)))
    assert turn["content"] == [document, HI]


def test_tool_calls_and_their_results() -> None:
    calls = (ToolCall("t1", "add", '{"a": 1}'), ToolCall("t2", "now", ""))
    assert turns(
        USER,
        ChatMessage("assistant", "Let me see.", calls),
        ChatMessage("tool", "42", tool_call_id="t1"),
        ChatMessage("tool", (HI,), tool_call_id="t2"),
        ChatMessage("user", "hi"),
    )[1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}},
                {"type": "tool_use", "id": "t2", "name": "now", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "content": [{"type": "text", "text": "42"}],
                },
                {"type": "tool_result", "tool_use_id": "t2", "content": [HI]},
                HI,
            ],
        },
    ]


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", "sunny"])
def test_arguments_that_are_no_object_are_kept_as_words(arguments: str) -> None:
    call = ToolCall("t1", "add", arguments)
    (turn,) = turns(ChatMessage("assistant", "", (call,)))
    assert [block["input"] for block in turn["content"]] == [{"arguments": arguments}]


def test_tools() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "number"}}}
    search = {"type": "web_search_20250305", "name": "web_search"}
    tools = (
        {
            "type": "function",
            "function": {"name": "add", "description": "Adds.", "parameters": schema},
        },
        {"type": "function", "function": {"name": "now"}},
        search,
    )
    assert body(tools=tools)["tools"] == [
        {"name": "add", "description": "Adds.", "input_schema": schema},
        {"name": "now", "input_schema": {"type": "object", "properties": {}}},
        search,
    ]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "function": {"name": "add"}}, {"type": "tool", "name": "add"}),
        ({"type": "tool", "name": "add"}, {"type": "tool", "name": "add"}),
    ],
)
def test_tool_choice(choice: str | Json, expected: dict[str, str]) -> None:
    assert body(tool_choice=choice)["tool_choice"] == expected
