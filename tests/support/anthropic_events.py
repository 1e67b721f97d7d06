"""Events as Anthropic's Messages API streams them."""

from __future__ import annotations

import json
from typing import Any


def event(type: str, **fields: Any) -> bytes:
    """One event, its type said twice as the API does."""
    return f"event: {type}\ndata: {json.dumps({'type': type, **fields})}\n\n".encode()


def message_start(**usage: int) -> bytes:
    """The first event, with what the prompt came to."""
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 25, "output_tokens": 1, **usage},
    }
    return event("message_start", message=message)


def block_start(index: int, **block: Any) -> bytes:
    """The beginning of a content block."""
    return event("content_block_start", index=index, content_block=block)


def block_delta(index: int, type: str, **delta: Any) -> bytes:
    """More of a content block."""
    return event("content_block_delta", index=index, delta={"type": type, **delta})


def block_stop(index: int) -> bytes:
    """The end of a content block."""
    return event("content_block_stop", index=index)


def text_block(index: int, *texts: str) -> bytes:
    """A whole block of text."""
    deltas = b"".join(block_delta(index, "text_delta", text=text) for text in texts)
    return block_start(index, type="text", text="") + deltas + block_stop(index)


def message_delta(reason: str | None, **usage: int | None) -> bytes:
    """The last event but one: why the reply ended, and what it came to."""
    delta = {"stop_reason": reason, "stop_sequence": None}
    return event("message_delta", delta=delta, usage={"output_tokens": 15, **usage})


PING = event("ping")
STOP = event("message_stop")

THINKING_BLOCK = (
    block_start(0, type="thinking", thinking="", signature="")
    + block_delta(0, "thinking_delta", thinking="17 and ")
    + block_delta(0, "thinking_delta", thinking="25 …")
    + block_delta(0, "signature_delta", signature="EqQBCgIYAhIM")
    + block_stop(0)
)

TOOL_BLOCK = (
    block_start(1, type="tool_use", id="toolu_1", name="add", input={})
    + block_delta(1, "input_json_delta", partial_json="")
    + block_delta(1, "input_json_delta", partial_json='{"a": 17,')
    + block_delta(1, "input_json_delta", partial_json=' "b": 25}')
    + block_stop(1)
)

# A call without arguments: the API sends one empty piece.
BARE_TOOL_BLOCK = (
    block_start(2, type="tool_use", id="toolu_2", name="now", input={})
    + block_delta(2, "input_json_delta", partial_json="")
    + block_stop(2)
)

TEXT_REPLY = (
    message_start()
    + PING
    + text_block(0, "17 + 25 ", "= 42 🙂.")
    + message_delta("end_turn")
    + STOP
)
TOOL_REPLY = (
    message_start(cache_read_input_tokens=100, cache_creation_input_tokens=10)
    + THINKING_BLOCK
    + TOOL_BLOCK
    + BARE_TOOL_BLOCK
    + message_delta("tool_use")
    + STOP
)
OVERLOADED = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
