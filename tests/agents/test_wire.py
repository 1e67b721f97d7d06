"""Chunks of the chat API as tokens, with the quirks of real servers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from council.agents import wire
from council.agents.wire import ChatStreamDecoder, ChunkReader, error_message
from council.messages import ChatToken, TokenLogprob, Usage, text_token
from tests.support.collect import read_body


def chunk(**choice: Any) -> bytes:
    return json.dumps({"choices": [choice]}).encode()


def taken(data: bytes, reader: ChunkReader | None = None) -> list[ChatToken]:
    """The tokens of one chunk."""
    tokens: list[ChatToken] = []
    (reader or ChunkReader()).take(data, tokens)
    return tokens


def read(*pieces: bytes) -> tuple[list[ChatToken], str | None]:
    """The tokens of a body, and the error that ended it."""
    return read_body(ChatStreamDecoder(), pieces)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (chunk(delta={"content": "hi"}), ChatToken(text="hi")),
        (chunk(delta={"content": None}), ChatToken()),
        (chunk(delta={"role": "assistant", "content": ""}), ChatToken()),
        (chunk(), ChatToken()),
        (chunk(delta=None), ChatToken()),
        (b'{"choices": []}', ChatToken()),
        (b'{"choices": null}', ChatToken()),
        (b"{}", ChatToken()),
        (chunk(delta={"reasoning_content": "hm"}), ChatToken(reasoning="hm")),
        (chunk(delta={"reasoning": "hm"}), ChatToken(reasoning="hm")),
        (
            chunk(delta={"content": [{"type": "text", "text": "a"}, {"type": "image"}]}),
            ChatToken(text="a"),
        ),
        (chunk(delta={}, finish_reason="stop"), ChatToken(finish_reason="stop")),
        (chunk(delta={}, finish_reason=""), ChatToken()),
        (chunk(delta={}, finish_reason="eos"), ChatToken(finish_reason="stop")),
        (chunk(delta={}, finish_reason="model_length"), ChatToken(finish_reason="length")),
        (chunk(delta={}, finish_reason="refusal"), ChatToken(finish_reason="content_filter")),
        (chunk(delta={}, finish_reason="whim"), ChatToken(finish_reason="other")),
        (
            b'{"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4,'
            b' "prompt_tokens_details": {"cached_tokens": 2}}}',
            ChatToken(usage=Usage(3, 4, 2)),
        ),
        (b'{"choices": [], "usage": {"prompt_tokens": null}}', ChatToken(usage=Usage())),
        (b'{"choices": [], "usage": null}', ChatToken()),
        (
            b'{"choices": [{"delta": {"content": "\xff"}}]}',
            ChatToken(text="\N{REPLACEMENT CHARACTER}"),
        ),
    ],
)
def test_a_chunk_as_a_token(data: bytes, expected: ChatToken) -> None:
    assert taken(data) == ([] if expected == ChatToken() else [expected])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "overloaded", "code": 503}}, "overloaded"),
        ({"error": {"code": 503}}, "503"),
        ({"error": "overloaded"}, "overloaded"),
        ({"object": "error", "message": "overloaded"}, "overloaded"),
        ({"type": "error", "message": "overloaded"}, "overloaded"),
        ({"choices": [], "error": {"message": "overloaded"}}, "overloaded"),
        ({"error": None, "choices": []}, None),
        ({"choices": []}, None),
        ([], None),
    ],
)
def test_error_objects_in_every_shape(body: Any, message: str | None) -> None:
    assert error_message(body) == message


@pytest.mark.parametrize("frame", [b"{", b"not json", b"[]", b"3", b'"text"', b"{'a': 1}"])
def test_malformed_frames_are_errors(frame: bytes) -> None:
    tokens, error = read(
        b"data: " + chunk(delta={"content": "a"}) + b"\n\ndata: " + frame + b"\n\n"
    )
    assert tokens == [ChatToken(text="a")]
    assert error is not None
    assert "malformed frame" in error


def test_an_error_is_not_redeemed_by_done() -> None:
    tokens, error = read(b'data: {"error": {"message": "boom"}}\n\ndata: [DONE]\n\n')
    assert tokens == []
    assert error == "the server reported an error: boom"


@pytest.mark.parametrize(
    "stream",
    [
        b'event: error\ndata: {"message": "boom"}\n\n',
        b'event: error\ndata: {"error": {"message": "boom"}}\n\n',
        b"event: error\ndata: boom\n\n",
        b'error: {"message": "boom"}\n\n',
    ],
)
def test_error_events(stream: bytes) -> None:
    _, error = read(stream)
    assert error is not None
    assert error.startswith("the server reported an error")
    assert "boom" in error


TEXT = b"data: " + chunk(delta={"content": "a"}) + b"\n\n"
STOP = b"data: " + chunk(delta={}, finish_reason="stop") + b"\n\n"
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize("stream", [TEXT + STOP + DONE, TEXT + STOP, TEXT + DONE, TEXT + DONE[:-2]])
def test_a_reply_is_whole_with_a_finish_reason_or_done(stream: bytes) -> None:
    tokens, error = read(stream)
    assert error is None
    assert "".join(token.text for token in tokens) == "a"


@pytest.mark.parametrize("stream", [TEXT, TEXT + STOP[:-20], b": keep-alive\n\n"])
def test_anything_else_is_cut(stream: bytes) -> None:
    _, error = read(stream)
    assert error == "the stream ended before the reply was finished"


@pytest.mark.parametrize("stream", [b"", b"\n \r\n"])
def test_an_empty_response_is_called_so(stream: bytes) -> None:
    assert read(stream) == ([], "the response was empty")


def calls(*pieces: dict[str, Any]) -> list[tuple[int, str, str, str]]:
    """The pieces of tool calls as they come out, a chunk each."""
    reader = ChunkReader()
    tokens = [t for p in pieces for t in taken(chunk(delta={"tool_calls": [p]}), reader)]
    return [(d.index, d.id, d.name, d.arguments) for t in tokens for d in t.tool_calls]


def call(**fields: Any) -> dict[str, Any]:
    function = {k: fields.pop(k) for k in ("name", "arguments") if k in fields}
    return {**fields, "function": function}


def test_tool_calls_by_index() -> None:
    assert calls(
        call(index=0, id="x", name="f", arguments=""),
        call(index=1, id="y", name="g", arguments='{"b'),
        call(index=0, arguments='{"a": 1}'),
        call(index=1, arguments='": 2}'),
    ) == [(0, "x", "f", ""), (1, "y", "g", '{"b'), (0, "", "", '{"a": 1}'), (1, "", "", '": 2}')]


@pytest.mark.parametrize("index", [{}, {"index": None}])
def test_tool_calls_without_an_index(index: dict[str, None]) -> None:
    assert calls(
        call(id="x", name="f", arguments="{}", **index),
        call(id="y", name="g", arguments="{", **index),
        call(arguments="}", **index),
        call(id="x", arguments=" ", **index),
        call(name="h", arguments="1", **index),
    ) == [
        (0, "x", "f", "{}"),
        (1, "y", "g", "{"),
        (1, "", "", "}"),
        (0, "x", "", " "),
        (2, "", "h", "1"),
    ]


@pytest.mark.parametrize("raw", [None, "x", [None], [{"function": None}], [{"index": "0"}]])
def test_odd_tool_calls_are_no_crash(raw: Any) -> None:
    list(taken(chunk(delta={"tool_calls": raw})))


@pytest.mark.parametrize("raw", [[None], "x", [3], {"index": 0}])
def test_stop_without_a_call_stays_stop(raw: Any) -> None:
    reader = ChunkReader()
    taken(chunk(delta={"tool_calls": raw}), reader)
    assert taken(chunk(delta={}, finish_reason="stop"), reader)[-1].finish_reason == "stop"


def test_stop_with_tool_calls_is_tool_calls() -> None:
    body = chunk(delta={"tool_calls": [call(index=0, id="x", name="f", arguments="{}")]})
    tokens, error = read(b"data: " + body + b"\n\n" + STOP + DONE)
    assert error is None
    assert tokens[-1].finish_reason == "tool_calls"


def test_a_refusal_is_kept_apart() -> None:
    (token,) = taken(chunk(delta={"refusal": "No."}))
    assert (token.refusal, token.text) == ("No.", "")


def test_log_probabilities() -> None:
    content = [{"token": "a", "logprob": -0.5, "top_logprobs": [{"token": "b", "logprob": -1}]}]
    (token,) = taken(chunk(delta={"content": "a"}, logprobs={"content": content}))
    assert token.logprobs == (TokenLogprob("a", -0.5, (("b", -1.0),)),)


def test_several_answers_carry_their_index() -> None:
    choices = [{"index": i, "delta": {"content": text}} for i, text in enumerate("ab")]
    data = json.dumps({"choices": choices, "usage": {"prompt_tokens": 1}}).encode()
    tokens = taken(data)
    assert [(t.choice, t.text, t.usage) for t in tokens] == [(0, "a", Usage(1)), (1, "b", None)]


COMPLETION = {
    "choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2},
}


@pytest.mark.parametrize("blank", [b"", b"\n\n  \r\n", b"\xef\xbb\xbf"])
def test_a_plain_json_reply_to_a_stream_request(blank: bytes) -> None:
    body = blank + json.dumps(COMPLETION, indent=1).encode()
    expected = ([ChatToken("whole", finish_reason="stop", usage=Usage(1, 2))], None)
    assert read(body) == expected
    assert read(*(body[i : i + 1] for i in range(len(body)))) == expected


def test_a_plain_json_error_with_status_200() -> None:
    assert read(b'{"error": {"message": "boom"}}')[1] == "the server reported an error: boom"
    assert read(b'{"choices": []}')[1] == "the stream ended before the reply was finished"
    error = read(b'{"choices": ')[1]
    assert error is not None
    assert "malformed" in error


def test_nothing_counts_after_done() -> None:
    tokens, error = read(TEXT + DONE + TEXT + b"data: garbage\n\n" + DONE)
    assert error is None
    assert tokens == [ChatToken(text="a")]


@pytest.mark.parametrize("reason", ["abort", "error", "cancelled", "insufficient_system_resource"])
def test_a_server_that_gives_up_has_not_finished(reason: str) -> None:
    body = b"data: " + chunk(delta={}, finish_reason=reason) + b"\n\n"
    tokens, error = read(TEXT + body + DONE)
    assert tokens == [ChatToken(text="a")]
    assert error == f"the server gave up: finish reason {reason!r}"
    body = b"data: " + chunk(delta={}, finish_reason="stop", error={"message": "boom"}) + b"\n\n"
    assert read(TEXT + body)[1] == "the server gave up: boom"


def test_an_error_event_counts_without_its_blank_line() -> None:
    assert read(TEXT + STOP + b"event: error\ndata: engine died")[1] is not None


FIELDS = (
    *("choices", "delta", "message", "content", "usage", "tool_calls", "function", "index"),
    *("logprobs", "token", "top_logprobs", "finish_reason", "error", "type", "refusal", "text"),
    *("prompt_tokens_details", "cached_tokens", "arguments"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=4))
def test_whatever_the_json_it_is_tokens_or_a_stream_error(values: list[Any]) -> None:
    frames = [b"data: " + json.dumps(value).encode() + b"\n\n" for value in values]
    read(b"".join(frames))
    for value in values:
        read(json.dumps({"choices": [value], "usage": value}).encode())


EVENTS = st.sampled_from(
    [
        TEXT,
        "data: {}\n\n".replace("{}", '{"choices":[{"delta":{"content":"é🙂"}}]}').encode(),
        TEXT.replace(b"\n", b"\r\n"),
        TEXT.replace(b"\n", b"\r"),
        b": comment\n\n",
        STOP,
        DONE,
        b'data: {"error": "boom"}\n\n',
        b"data: {\n\n",
        b'data: {"choices": [],\ndata: "usage": {"prompt_tokens": 1}}\n\n',
    ]
)


@given(st.lists(EVENTS, max_size=8).map(b"".join), st.lists(st.integers(1, 40), max_size=30))
@example(TEXT + STOP, [1] * 200)
def test_any_cutting_of_the_same_bytes_gives_the_same_tokens(body: bytes, cuts: list[int]) -> None:
    pieces, rest = [], body
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    assert read(*pieces, rest) == read(body)


_EXTRAS: dict[str, list[tuple[str, Any]]] = {
    "chunk": [
        ("usage", {"prompt_tokens": 1, "completion_tokens": 2}),
        ("usage", None),
        ("error", {"message": "no"}),
        ("object", "error"),
        ("type", "error"),
        ("service_tier", "flex"),
        ("timings", {}),
        ("choices", []),
        ("choices", None),
    ],
    "choice": [
        ("finish_reason", "stop"),
        ("finish_reason", "error"),
        ("finish_reason", ""),
        ("index", 1),
        ("index", None),
        ("logprobs", {"content": [{"token": "a", "logprob": -1.0}]}),
        ("logprobs", None),
        ("error", {"message": "no"}),
        ("delta", None),
        ("delta", []),
    ],
    "delta": [
        ("content", ""),
        ("content", None),
        ("content", [{"type": "text", "text": "a"}]),
        ("content", 7),
        ("role", "assistant"),
        ("reasoning_content", "hm"),
        ("refusal", "no"),
        ("tool_calls", [{"index": 0, "id": "1", "function": {"name": "f", "arguments": "{}"}}]),
    ],
}


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [(part, name, value) for part, extras in _EXTRAS.items() for name, value in extras],
)
def test_the_short_way_of_plain_text_says_what_the_long_one_says(
    part: str, name: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    delta: dict[str, Any] = {"content": "a"}
    choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": None}
    whole: dict[str, Any] = {"id": "1", "object": "chat.completion.chunk", "choices": [choice]}
    {"chunk": whole, "choice": choice, "delta": delta}[part][name] = value
    frame = b"data: " + json.dumps(whole).encode() + b"\n\n"
    short = read(frame, frame)
    monkeypatch.setattr(wire, "_only_text", lambda chunk: "")
    assert read(frame, frame) == short


def test_a_token_of_text_is_one_with_all_defaults() -> None:
    token = text_token("a")
    assert token == ChatToken("a")
    assert type(token) is ChatToken
