"""How much of a body is kept before it is known what it is."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from council.agents.sse import MAX_EVENT_BYTES
from council.agents.wire import ChatStreamDecoder
from council.errors import StreamError

WHOLE = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}

_MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize("start", [b"{", b" ", b"\xef\xbb\xbf"])
def test_a_body_that_is_no_event_stream_has_a_limit(start: bytes) -> None:
    decoder = ChatStreamDecoder()
    list(decoder.feed(start))
    for _ in range(MAX_EVENT_BYTES // _MEBIBYTE - 1):
        assert list(decoder.feed(b" " * _MEBIBYTE)) == []
    with pytest.raises(StreamError, match=f"larger than {MAX_EVENT_BYTES} bytes"):
        list(decoder.feed(b" " * _MEBIBYTE))


def test_blank_lines_before_the_body_are_not_kept() -> None:
    decoder = ChatStreamDecoder()
    tracemalloc.start()
    try:
        for _ in range(256):
            list(decoder.feed(b"\r\n" * 2048))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < _MEBIBYTE / 2


@pytest.mark.parametrize("blank", [b"", b"\n \r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n "])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_an_object_behind_blanks_is_read_however_it_is_cut(blank: bytes, size: int) -> None:
    body = blank + json.dumps(WHOLE).encode()
    decoder = ChatStreamDecoder()
    tokens = [
        token
        for start in range(0, len(body), size)
        for token in decoder.feed(body[start : start + size])
    ]
    tokens += decoder.end()
    assert [(token.text, token.finish_reason) for token in tokens] == [("hi", "stop")]


@pytest.mark.parametrize("blank", [b"", b"   ", b"\n\r\n", b"\xef\xbb\xbf"])
def test_nothing_but_blanks_is_an_empty_response(blank: bytes) -> None:
    decoder = ChatStreamDecoder()
    assert list(decoder.feed(blank)) == []
    with pytest.raises(StreamError, match="the response was empty"):
        list(decoder.end())
