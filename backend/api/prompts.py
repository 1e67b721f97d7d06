"""From a chat request to what the engine understands: a prompt and a sampling."""

from __future__ import annotations

import json
from typing import Any

from backend.chat.template import TemplateError
from backend.engine.messages import Loaded, Sampling
from backend.engine.supervisor import Job
from backend.errors import InvalidRequest
from backend.registry import chat_template
from backend.schema.chat import ChatRequest, Message

_SAMPLING_FIELDS = tuple(Sampling.__dataclass_fields__)


def to_job(request: ChatRequest, card: Loaded) -> Job:
    """What a model is to do for a request.

    Raises:
        InvalidRequest: It asks for something not supported, or the model's template refuses it.
    """
    refuse_unsupported(request)
    messages = [_message(message) for message in request.messages]
    try:
        prompt = chat_template(card).render(messages)
    except TemplateError as error:
        raise InvalidRequest(f"messages: {error}.", param="messages") from error
    most = request.max_completion_tokens or request.max_tokens
    return Job(prompt, sampling(request), most, _stops(request), request.cache_prompt)


def sampling(request: ChatRequest) -> Sampling:
    """The request's choices, and the defaults for what it leaves open."""
    chosen = {name: getattr(request, name) for name in _SAMPLING_FIELDS}
    return Sampling(**{name: value for name, value in chosen.items() if value is not None})


def refuse_unsupported(request: ChatRequest) -> None:
    """Refuses what would silently give another answer than the client asked for.

    Raises:
        InvalidRequest: Naming the field.
    """
    wants_text = request.response_format is None or request.response_format.get("type") == "text"
    demands = {
        "n": request.n not in (None, 1),
        "tools": bool(request.tools) and request.tool_choice != "none",
        "tool_choice": request.tool_choice not in (None, "none", "auto"),
        "functions": bool(request.functions),
        "response_format": not wants_text,
        "logprobs": bool(request.logprobs),
        "logit_bias": bool(request.logit_bias),
    }
    for field, demanded in demands.items():
        if demanded:
            hint = " Only n = 1 is." if field == "n" else ""
            raise InvalidRequest(
                f"{field} is not supported by this server.{hint}",
                param=field,
                code="unsupported_parameter",
            )


def _stops(request: ChatRequest) -> tuple[str, ...]:
    if request.stop is None:
        return ()
    return (request.stop,) if isinstance(request.stop, str) else tuple(request.stop)


def _message(message: Message) -> dict[str, Any]:
    """A message as templates know it: content is a string, fields left out are not there."""
    content = message.content
    if isinstance(content, list):
        content = "\n".join(part.text for part in content)
    known = {
        "role": "system" if message.role == "developer" else message.role,
        "content": content or "",
        "name": message.name,
        "tool_call_id": message.tool_call_id,
        "tool_calls": message.tool_calls and [_tool_call(call) for call in message.tool_calls],
    }
    return {name: value for name, value in known.items() if value is not None}


def _tool_call(call: dict[str, Any]) -> dict[str, Any]:
    """A call with its arguments as an object, which more templates can render than a string."""
    function = call.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
        return call
    try:
        arguments = json.loads(function["arguments"])
    except ValueError:
        return call
    return {**call, "function": {**function, "arguments": arguments}}
