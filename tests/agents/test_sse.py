"""The event-stream decoder, against the standard's rules and against httpx-sse."""

from __future__ import annotations

import pytest
from httpx_sse._decoders import SSEDecoder as ReferenceDecoder
from hypothesis import given
from hypothesis import strategies as st

from council.agents.sse import ServerSentEvent, SSEDecoder
from council.errors import StreamError


def decode(*chunks: bytes, lenient: bool = True) -> list[ServerSentEvent]:
    decoder = SSEDecoder(lenient=lenient)
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.flush()


def data(*chunks: bytes) -> list[bytes]:
    return [event.data for event in decode(*chunks)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data\ndata\n\n", [b"\n"]),
        (b": comment\n\ndata: a\n\n: another\n\n", [b"a"]),
        (b"\n\n\n", []),
        (b"event: x\nid: 1\n\n", []),
        (b"unknown: x\ndata: a\n\n", [b"a"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        ("data: a\u2028b\x85c\n\n".encode(), ["a\u2028b\x85c".encode()]),
        (b"data: a\x0bb\x1cc\n\n", [b"a\x0bb\x1cc"]),
    ],
)
def test_the_standards_rules(stream: bytes, expected: list[bytes]) -> None:
    assert data(stream) == expected
    assert data(*(stream[i : i + 1] for i in range(len(stream)))) == expected


def test_fields_of_an_event() -> None:
    first, second, third = decode(
        b"event: ping\nid: 7\nretry: 1500\ndata: a\n\ndata: b\n\nid: 8\0\nretry: 1x\ndata: c\n\n"
    )
    assert first == ServerSentEvent(b"a", "ping", "7", 1500)
    # The type and the retry time belong to one event, the last id stays.
    assert second == ServerSentEvent(b"b", "message", "7", None)
    assert third == ServerSentEvent(b"c", "message", "7", None)


def test_a_pending_event_is_handed_out_at_a_clean_end() -> None:
    assert data(b"data: a\n\ndata: [DONE]") == [b"a", b"[DONE]"]
    assert data(b"data: a\n\ndata: [DONE]\n") == [b"a", b"[DONE]"]


def test_a_strict_decoder_drops_it() -> None:
    assert decode(b"data: [DONE]\n", lenient=False) == []


def test_the_field_error_of_older_servers_is_an_error_event() -> None:
    (event,) = decode(b'error: {"message": "no"}\n\n')
    assert (event.event, event.data) == ("error", b'{"message": "no"}')
    assert decode(b"error: x\n\n", lenient=False) == []


def test_malformed_text_becomes_replacement_characters() -> None:
    (event,) = decode(b"data: a\xff\n\n")
    assert event.text == "a\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("stream", [b"data: " + b"x" * 100, b"data: " + b"x\ndata: " * 40])
def test_an_event_has_a_largest_size(stream: bytes) -> None:
    decoder = SSEDecoder(max_event_bytes=64)
    pieces = (stream[i : i + 10] for i in range(0, len(stream), 10))
    with pytest.raises(StreamError, match="larger than 64 bytes"):
        list(map(decoder.feed, pieces))


LINES = st.sampled_from(
    [
        b"data: a",
        b"data:",
        b"data",
        b"data: \xc3\xa9",
        b"event: e",
        b"id: 1",
        b": c",
        b"",
        b"",
        b"x",
    ]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(st.lists(st.tuples(LINES, ENDS)), st.lists(st.integers(1, 7)))
def test_any_cutting_gives_the_same_events(
    lines: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(line + end for line, end in lines)
    pieces, rest = [], stream
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    assert decode(*pieces, rest) == decode(stream)


BLOCKS = st.tuples(
    st.lists(st.sampled_from(["event: e", ": comment", "retry: 5", "x: y"])),
    st.lists(st.sampled_from(["data: a", "data:", "data: b: c", "data:  é"]), min_size=1),
).map(lambda block: [*block[0], *block[1], ""])


@given(st.lists(BLOCKS))
def test_it_agrees_with_httpx_sse(blocks: list[list[str]]) -> None:
    # Only where httpx-sse follows the standard: it makes events of blocks without data too.
    lines = [line for block in blocks for line in block]
    reference = ReferenceDecoder()
    expected = [event for line in lines if (event := reference.decode(line)) is not None]
    ours = decode("".join(f"{line}\n" for line in lines).encode(), lenient=False)
    assert [(e.event, e.text) for e in ours] == [(e.event, e.data) for e in expected]
