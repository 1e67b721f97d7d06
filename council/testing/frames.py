"""The bytes of the chat API's replies: heads, chunks, events, and replies made of them."""

from __future__ import annotations

import json

from council.testing.steps import Step, keep_alive

STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
CLOSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
END = b"0\r\n\r\n"


def chunked(data: bytes) -> bytes:
    """Data as one piece of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def sse(payload: object) -> bytes:
    """One event: JSON, or text as it is."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return f"data: {text}\n\n".encode()


def choice(**fields: object) -> bytes:
    """The event of a choice with these fields."""
    return sse({"choices": [{"index": 0, **fields}]})


def delta(text: str) -> bytes:
    """The event of one piece of text."""
    return choice(delta={"content": text}, finish_reason=None)


FINISH = choice(delta={}, finish_reason="stop")
DONE = sse("[DONE]")


def usage(prompt: int, completion: int) -> bytes:
    """The event that counts the reply's tokens."""
    counts = {"prompt_tokens": prompt, "completion_tokens": completion}
    return sse({"choices": [], "usage": counts})


def stream(*events: bytes) -> list[Step]:
    """A chunked event stream, one event in each chunk, that ends well."""
    return [STREAM_HEAD, *map(chunked, events), END, keep_alive]


def whole_reply(*texts: str) -> list[Step]:
    """A reply as a good server sends it."""
    return stream(*map(delta, texts), FINISH, DONE)


def plain_reply(status: str, body: str, content_type: str = "application/json") -> list[Step]:
    """A reply that is no stream."""
    raw = body.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(raw)}\r\n\r\n"
    )
    return [head.encode() + raw, keep_alive]
