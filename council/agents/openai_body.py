"""A chat request as the JSON of the OpenAI chat API; what is not set is left out."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from council.messages import ChatMessage, ChatRequest, Json, Sampling, ToolCall


def request_body(request: ChatRequest, model: str = "") -> dict[str, Any]:
    """The body of a streaming request.

    Args:
        request: What to ask.
        model: The model's name where the request has none.
    """
    body: dict[str, Any] = {
        "model": request.model or model,
        "messages": [_message(message) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        **knobs(request.sampling),
    }
    if request.tools:
        body["tools"] = list(request.tools)
    if request.logprobs is not None:
        body["logprobs"] = True
        body["top_logprobs"] = request.logprobs
    optional = {
        "tool_choice": request.tool_choice,
        "response_format": request.response_format,
        "n": request.n,
    }
    body.update({name: value for name, value in optional.items() if value is not None})
    body.update(request.extra)
    return body


def knobs(sampling: Sampling) -> dict[str, Any]:
    """The knobs that are set, by their names in the API."""
    values = {field.name: getattr(sampling, field.name) for field in fields(sampling)}
    return {name: value for name, value in values.items() if value is not None}


def _message(message: ChatMessage) -> dict[str, Any]:
    content = message.content
    data: dict[str, Any] = {
        "role": message.role,
        "content": content if isinstance(content, str) else list(content),
    }
    if message.tool_calls:
        data["tool_calls"] = [_call(call, message.extra or {}) for call in message.tool_calls]
        thinking = [own.get("reasoning_content") for own in (message.extra or {}).values()]
        if any(thinking):
            data["reasoning_content"] = "".join(filter(None, thinking))
    if message.tool_call_id:
        data["tool_call_id"] = message.tool_call_id
    return data


def _call(call: ToolCall, extra: Json) -> dict[str, Any]:
    signed = extra.get(call.id, {}).get("extra_content")
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
        **({"extra_content": signed} if signed else {}),
    }
