"""Events of Anthropic's Messages API as tokens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from council.agents.anthropic_stream import MessageStreamDecoder
from council.messages import ChatToken, FinishReason, ToolCallDelta, Usage
from tests.support.anthropic_events import (
    BARE_TOOL_BLOCK,
    OVERLOADED,
    PING,
    STOP,
    TEXT_REPLY,
    THINKING_BLOCK,
    TOOL_BLOCK,
    TOOL_REPLY,
    block_delta,
    block_start,
    block_stop,
    event,
    message_delta,
    message_start,
    text_block,
)
from tests.support.collect import read_body

END = message_delta("end_turn") + STOP
CUT = "the stream ended before the reply was finished"


def read(*pieces: bytes) -> tuple[list[ChatToken], str | None]:
    """The tokens of a body, and the error that ended it."""
    return read_body(MessageStreamDecoder(), pieces)


def test_a_reply_of_text() -> None:
    assert read(TEXT_REPLY) == (
        [
            ChatToken("17 + 25 "),
            ChatToken("= 42 🙂."),
            ChatToken(finish_reason="stop", usage=Usage(25, 15)),
        ],
        None,
    )


def test_a_reply_of_thinking_and_tool_calls() -> None:
    assert read(TOOL_REPLY) == (
        [
            ChatToken(reasoning="17 and "),
            ChatToken(reasoning="25 …"),
            ChatToken(tool_calls=(ToolCallDelta(0, "toolu_1", "add"),)),
            ChatToken(tool_calls=(ToolCallDelta(0, arguments='{"a": 17,'),)),
            ChatToken(tool_calls=(ToolCallDelta(0, arguments=' "b": 25}'),)),
            ChatToken(tool_calls=(ToolCallDelta(1, "toolu_2", "now"),)),
            ChatToken(tool_calls=(ToolCallDelta(1, arguments="{}"),)),
            ChatToken(finish_reason="tool_calls", usage=Usage(135, 15, cached_tokens=100)),
        ],
        None,
    )


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "other"),
        ("something_new", "other"),
    ],
)
def test_stop_reasons(reason: str, expected: FinishReason) -> None:
    tokens, error = read(message_start() + text_block(0, "a") + message_delta(reason) + STOP)
    assert error is None
    assert [token.finish_reason for token in tokens] == [None, expected]


def test_later_counts_hold_and_missing_ones_do_not_erase() -> None:
    usage = message_delta("end_turn", input_tokens=30, cache_read_input_tokens=None)
    tokens, _ = read(message_start(cache_read_input_tokens=5) + usage + STOP)
    assert tokens[-1].usage == Usage(35, 15, cached_tokens=5)


def test_tokens_of_thinking() -> None:
    details = {"output_tokens": 15, "output_tokens_details": {"thinking_tokens": 9}}
    end = event("message_delta", delta={"stop_reason": "end_turn"}, usage=details)
    tokens, _ = read(message_start() + end + STOP)
    assert tokens[-1].usage == Usage(25, 15, reasoning_tokens=9)


@pytest.mark.parametrize(
    "unknown",
    [
        PING,
        event("something_new", text="x"),
        event("content_block_delta"),
        block_start(7, type="redacted_thinking", data="x"),
        block_start(7, type="server_tool_use", id="s", name="web_search", input={})
        + block_delta(7, "input_json_delta", partial_json='{"query": "x"}')
        + block_stop(7),
        block_delta(0, "citations_delta", citation={"cited_text": "x"}),
        block_delta(0, "something_new", text="x"),
        b": keep-alive\n\n",
        b"data:\n\n",
    ],
)
def test_what_is_unknown_says_nothing(unknown: bytes) -> None:
    tokens, error = read(message_start() + unknown + text_block(0, "a") + END)
    assert (tokens[0], error) == (ChatToken("a"), None)
    assert len(tokens) == 2


def test_what_a_block_starts_with_counts() -> None:
    call = block_start(2, type="tool_use", id="t", name="f", input={"a": "é"}) + block_stop(2)
    start = block_start(0, type="text", text="a") + block_start(1, type="thinking", thinking="hm")
    assert read(message_start() + start + call + END)[0][:-1] == [
        ChatToken("a"),
        ChatToken(reasoning="hm"),
        ChatToken(tool_calls=(ToolCallDelta(0, "t", "f"),)),
        ChatToken(tool_calls=(ToolCallDelta(0, arguments='{"a": "é"}'),)),
    ]


def test_nothing_after_message_stop_counts() -> None:
    assert read(TEXT_REPLY + text_block(1, "more") + OVERLOADED) == read(TEXT_REPLY)


def test_event_names_are_not_needed() -> None:
    bare = b"".join(
        line for line in TEXT_REPLY.splitlines(keepends=True) if not line.startswith(b"event:")
    )
    assert read(bare) == read(TEXT_REPLY)


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (OVERLOADED, "Overloaded (overloaded_error)"),
        (OVERLOADED.partition(b"\n")[2], "Overloaded (overloaded_error)"),
        (event("error", message="no room"), "no room"),
        (b'event: error\ndata: {"message": "no room"}\n\n', "no room"),
        (b"event: error\ndata: no room\n\n", "no room"),
        (b'data: {"error": "no room"}\n\n', "no room"),
    ],
)
def test_errors_in_the_stream(stream: bytes, said: str) -> None:
    tokens, error = read(message_start() + text_block(0, "a") + stream + STOP)
    assert tokens == [ChatToken("a")]
    assert error == f"the server reported an error: {said}"


@pytest.mark.parametrize("frame", [b"{", b"not json", b"[]", b"3"])
def test_malformed_frames_are_errors(frame: bytes) -> None:
    tokens, error = read(message_start() + text_block(0, "a") + b"data: " + frame + b"\n\n" + END)
    assert tokens == [ChatToken("a")]
    assert error is not None
    assert "malformed frame" in error


def test_malformed_utf8_is_not() -> None:
    reply = text_block(0, "XX").replace(b"XX", b"a\xff")
    assert read(message_start() + reply + END)[0][0] == ChatToken("a\N{REPLACEMENT CHARACTER}")


@pytest.mark.parametrize(
    "end", [END, message_delta("end_turn"), STOP, message_delta("end_turn")[:-2], STOP[:-1]]
)
def test_a_stop_reason_or_message_stop_makes_a_reply_whole(end: bytes) -> None:
    tokens, error = read(message_start() + text_block(0, "a") + end)
    assert (tokens[0], error) == (ChatToken("a"), None)


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        (b"", "the response was empty"),
        (b"\n\n", "the response was empty"),
        (message_start(), CUT),
        (message_start() + text_block(0, "a"), CUT),
        (message_start() + text_block(0, "a") + message_delta(None), CUT),
        (message_start() + text_block(0, "a") + STOP[:-5], CUT),
    ],
)
def test_without_them_it_was_cut(stream: bytes, error: str) -> None:
    assert read(stream)[1] == error


def plain(**fields: Any) -> bytes:
    return json.dumps(fields, indent=1).encode()


def test_one_json_object_instead_of_a_stream() -> None:
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "a"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
    ]
    usage = {"input_tokens": 3, "output_tokens": 2}
    body = plain(type="message", content=content, stop_reason="tool_use", usage=usage)
    assert read(b"\n" + body) == (
        [
            ChatToken(reasoning="hm"),
            ChatToken("a"),
            ChatToken(tool_calls=(ToolCallDelta(0, "t", "f"),)),
            ChatToken(tool_calls=(ToolCallDelta(0, arguments='{"a": 1}'),)),
            ChatToken(finish_reason="tool_calls", usage=Usage(3, 2)),
        ],
        None,
    )


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (plain(type="error", error={"type": "api_error", "message": "boom"}), "boom (api_error)"),
        (plain(error="boom"), "boom"),
        (plain(type="message", content=[]), CUT),
        (b'{"type": "mess', "malformed frame"),
    ],
)
def test_a_json_object_that_is_no_reply(body: bytes, error: str) -> None:
    said = read(body)[1]
    assert said is not None
    assert error in said


BLOCKS = st.sampled_from(
    [
        message_start(cache_read_input_tokens=3),
        PING,
        THINKING_BLOCK,
        TOOL_BLOCK,
        BARE_TOOL_BLOCK,
        text_block(0, "a🙂", "é"),
        message_delta("max_tokens"),
        STOP,
        OVERLOADED,
        b": c\r\n\r\n",
        b"data: {\n\n",
    ]
)


@given(st.lists(BLOCKS, max_size=8).map(b"".join), st.lists(st.integers(1, 60), max_size=40))
@example(TEXT_REPLY, [1] * len(TEXT_REPLY))
@example(TOOL_REPLY, [1] * len(TOOL_REPLY))
@example(plain(type="message", content=[], stop_reason="end_turn"), [1] * 90)
def test_any_cutting_of_the_same_bytes_gives_the_same_tokens(body: bytes, cuts: list[int]) -> None:
    pieces, rest = [], body
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    assert read(*pieces, rest) == read(body)
