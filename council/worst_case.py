"""What a request may use at most, before any server has counted: arithmetic over its fields."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from council.messages import ChatMessage, ChatRequest

MESSAGE_TOKENS = 16
"""Allowed for each message, and once for the request: what a chat template puts around it."""

PART_TOKENS = 4096
"""Allowed for an image, or any other part that is no text."""

_LIMITS = ("max_completion_tokens", "max_tokens")


def most_prompt_tokens(request: ChatRequest) -> int:
    """How many tokens the prompt has at most: a tokenizer makes no more of them than of bytes."""
    extra = {key: value for key, value in request.extra.items() if key not in _LIMITS}
    beside = [*request.tools, request.response_format or {}, extra]
    written = sum(len(_json(value)) for value in beside if value)
    return written + sum(map(_message, request.messages)) + MESSAGE_TOKENS


def most_text_tokens(texts: Iterable[str]) -> int:
    """How many tokens texts have at most, when they are embedded."""
    return sum(len(text.encode("utf-8", "replace")) + MESSAGE_TOKENS for text in texts)


def answers_of(request: ChatRequest) -> int:
    """How many answers a request asks for."""
    return _whole(request.extra.get("n")) or request.n or 1


def stated_limit(request: ChatRequest) -> int | None:
    """How many tokens each answer may have by the request itself, None where it does not say.

    What stands in `extra` replaces the request's own knob in the body.
    """
    stated = [_whole(request.extra.get(name)) for name in _LIMITS]
    found = [limit for limit in stated if limit is not None]
    return max(found) if found else request.sampling.max_tokens


def with_limit(request: ChatRequest, tokens: int) -> ChatRequest:
    """The request with a limit of tokens for each answer."""
    return replace(request, sampling=replace(request.sampling, max_tokens=tokens))


def _message(message: ChatMessage) -> int:
    parts = () if isinstance(message.content, str) else message.content
    others = sum("text" not in part for part in parts)
    calls = sum(len(call.name + call.arguments + call.id) * 4 for call in message.tool_calls)
    text = len(message.text.encode("utf-8", "replace"))
    # What goes back to the server with its calls may be longer than all else.
    thoughts = len(_json(message.extra)) if message.extra else 0
    return text + calls + thoughts + others * PART_TOKENS + MESSAGE_TOKENS


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace")


def _whole(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None
