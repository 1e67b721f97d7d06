"""A chat request as the JSON of Anthropic's Messages API.

What that API does not know (`seed`, penalties, `min_p`, `logprobs`, `n`, `response_format`) is left
out: it refuses unknown fields.
"""

from __future__ import annotations

import base64
from itertools import groupby
from typing import Any
from urllib.parse import unquote_to_bytes

import jiter

from council.messages import ChatMessage, ChatRequest, Json, Sampling, ToolCall

DEFAULT_MAX_TOKENS = 4096
"""The API wants a limit; this one is sent where the panel sets none."""

_SYSTEM = ("system", "developer")

_Block = dict[str, Any]


def request_body(request: ChatRequest, model: str = "") -> dict[str, Any]:
    """The body of a streaming request.

    Args:
        request: What to ask.
        model: The model's name where the request has none.
    """
    optional = {
        "system": _system([message for message in request.messages if message.role in _SYSTEM]),
        "tools": [_tool(tool) for tool in request.tools],
        "tool_choice": _tool_choice(request.tool_choice),
    }
    return {
        "model": request.model or model,
        "messages": _turns(
            [message for message in request.messages if message.role not in _SYSTEM]
        ),
        "stream": True,
        **_knobs(request.sampling),
        **{name: value for name, value in optional.items() if value},
        **request.extra,
    }


def _knobs(sampling: Sampling) -> dict[str, Any]:
    values = {
        "max_tokens": DEFAULT_MAX_TOKENS if sampling.max_tokens is None else sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "stop_sequences": None if sampling.stop is None else list(sampling.stop),
    }
    return {name: value for name, value in values.items() if value is not None}


def _system(messages: list[ChatMessage]) -> str | list[_Block]:
    """The system prompt; as blocks only where parts may carry more than text."""
    if all(isinstance(message.content, str) for message in messages):
        return "\n\n".join(message.text for message in messages)
    return [block for message in messages for block in _blocks(message.content)]


def _turns(messages: list[ChatMessage]) -> list[dict[str, Any]]:
    """The conversation in alternating turns; messages of one side in a row become one turn."""
    turns = []
    for role, group in groupby(filter(_says_something, messages), _side):
        content = [block for message in group for block in _content(message)]
        turns.append({"role": role, "content": content})
    return turns


def _side(message: ChatMessage) -> str:
    # What a tool gave comes back in the user's turn.
    return "assistant" if message.role == "assistant" else "user"


def _says_something(message: ChatMessage) -> bool:
    # Left out before turns are formed: an empty turn between two others must not part them.
    return bool(_content(message))


def _content(message: ChatMessage) -> list[_Block]:
    blocks = _blocks(message.content)
    if message.role == "tool":
        return [
            {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": blocks},
        ]
    for number, call in enumerate(message.tool_calls):
        thinking = (message.extra or {}).get(call.id, {}).get("thinking", [])
        # The API wants a turn's first thoughts before its words.
        blocks = blocks + thinking if number else thinking + blocks
        blocks.append(_tool_use(call))
    return blocks


def _blocks(content: str | tuple[Json, ...]) -> list[_Block]:
    parts: tuple[Json, ...]
    parts = ({"type": "text", "text": content},) if isinstance(content, str) else content
    return [_block(part) for part in parts if not _is_blank(part)]


def _is_blank(part: Json) -> bool:
    # The API refuses text blocks without text.
    return part.get("type") == "text" and not str(part.get("text") or "").strip()


def _block(part: Json) -> _Block:
    """A content part as a block; what is a block of the API already stays as it is."""
    if part.get("type") != "image_url":
        return dict(part)
    image = part.get("image_url")
    url = str(image.get("url") if isinstance(image, dict) else image)
    return {"type": "image", "source": _image_source(url)}


def _image_source(url: str) -> dict[str, str]:
    scheme, _, rest = url.partition(":")
    if scheme.lower() != "data":
        return {"type": "url", "url": url}
    head, _, data = rest.partition(",")
    media_type, *parameters = head.split(";")
    if "base64" not in parameters:
        data = base64.b64encode(unquote_to_bytes(data)).decode("ascii")
    return {"type": "base64", "media_type": media_type, "data": data}


def _tool_use(call: ToolCall) -> _Block:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": _input(call.arguments)}


def _input(arguments: str) -> dict[str, Any]:
    """A call's arguments as the object that the API wants."""
    if not arguments.strip():
        return {}
    try:
        value = jiter.from_json(arguments.encode())
    except ValueError:
        value = None
    # A model may have written what is no object. Its words are kept: a conversation that
    # cannot be sent on would be lost for good.
    return value if isinstance(value, dict) else {"arguments": arguments}


def _tool(tool: Json) -> dict[str, Any]:
    """A function's description; a tool of the API's own (web search, …) stays as it is."""
    function = tool.get("function")
    if not isinstance(function, dict):
        return dict(tool)
    described = {"description": function["description"]} if function.get("description") else {}
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    return {"name": function.get("name"), **described, "input_schema": schema}


_TOOL_CHOICES = {"auto": "auto", "none": "none", "required": "any"}


def _tool_choice(choice: str | Json | None) -> dict[str, Any] | None:
    if choice is None:
        return None
    if isinstance(choice, str):
        return {"type": _TOOL_CHOICES.get(choice, choice)}
    function = choice.get("function")
    if isinstance(function, dict):
        return {"type": "tool", "name": function.get("name")}
    return dict(choice)
