"""Server-sent events, as OpenAI's and Anthropic's clients read them."""

from __future__ import annotations

DONE = "data: [DONE]\n\n"
KEEP_ALIVE = ": keep-alive\n\n"
CONTENT_TYPE = "text/event-stream; charset=utf-8"


def data(json: str) -> str:
    """An event with one line of JSON."""
    return f"data: {json}\n\n"


def named(name: str, json: str) -> str:
    """An event that says what it is, with one line of JSON."""
    return f"event: {name}\ndata: {json}\n\n"
