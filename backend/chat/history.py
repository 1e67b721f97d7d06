"""Messages of a conversation in the shapes that templates expect."""

from __future__ import annotations

import hashlib
import json
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.chat.wanted import ToolError

Message = dict[str, Any]
_LETTERS = string.digits + string.ascii_letters
_REASONING = ("reasoning_content", "reasoning")


@dataclass(frozen=True, slots=True)
class Shape:
    """What templates differ in.

    Attributes:
        objects: Arguments of calls are objects, not JSON as a string.
        empty: The content of a message that has calls and no text.
        typed: Content is a list of parts, not a string.
        mixed: A message may have both text and calls.
    """

    objects: bool = True
    empty: str | None = ""
    typed: bool = False
    mixed: bool = True


def plain(messages: Sequence[Mapping[str, Any]], reasoning_key: str) -> list[Message]:
    """Messages in one shape, whatever the client wrote: text is a string, arguments are objects.

    Args:
        messages: In OpenAI's shape.
        reasoning_key: What the template calls thoughts.

    Raises:
        ToolError: A call has no name, or content is no text.
    """
    names: dict[str, str] = {}
    return [
        _plain(message, f"messages[{number}]", reasoning_key, names)
        for number, message in enumerate(messages)
    ]


def _plain(
    message: Mapping[str, Any], field: str, reasoning_key: str, names: dict[str, str]
) -> Message:
    role = "system" if message["role"] == "developer" else message["role"]
    done: Message = {"role": role, "content": _text(message.get("content"), f"{field}.content")}
    if message.get("name") is not None:
        done["name"] = message["name"]
    if message.get("tool_calls"):
        calls = enumerate(message["tool_calls"])
        done["tool_calls"] = [_call(call, f"{field}.tool_calls[{at}]") for at, call in calls]
        names.update({call["id"]: call["function"]["name"] for call in done["tool_calls"]})
    if thoughts := next((message[key] for key in _REASONING if message.get(key)), None):
        done[reasoning_key] = thoughts
    if role == "tool":
        done["tool_call_id"] = str(message.get("tool_call_id") or "")
        done.setdefault("name", names.get(done["tool_call_id"], ""))
    return done


def _text(content: object, field: str) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise ToolError(field, "has to be a string or a list of parts")
    return "\n".join(_part(part, f"{field}[{number}]") for number, part in enumerate(content))


def _part(part: object, field: str) -> str:
    if isinstance(part, str):
        return part
    text = part.get("text") if isinstance(part, Mapping) else None
    if not isinstance(text, str):
        raise ToolError(field, "this model reads text only")
    return text


def _call(call: object, field: str) -> Message:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(call, Mapping) or not isinstance(function, Mapping):
        raise ToolError(f"{field}.function", "has to be an object")
    if not isinstance(function.get("name"), str):
        raise ToolError(f"{field}.function.name", "has to be a string")
    given = function.get("arguments")
    known = {"name": function["name"], "arguments": _object(given)}
    return {"id": str(call.get("id") or ""), "type": "function", "function": known}


def _object(arguments: object) -> object:
    """Arguments as an object; what is none stays as it is."""
    if not arguments:
        return {}
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments


def shaped(messages: Iterable[Message], shape: Shape) -> list[Message]:
    """Plain messages in a template's shape."""
    done: list[Message] = []
    for message in messages:
        calls = message.get("tool_calls")
        if calls and message["content"] and not shape.mixed:
            done.append({**{key: message[key] for key in message if key != "tool_calls"}})
            message = {**message, "content": ""}
        done.append(_shaped(message, shape))
    return done


def _shaped(message: Message, shape: Shape) -> Message:
    content: object = message["content"]
    calls = message.get("tool_calls")
    if calls and not content:
        content = shape.empty
    elif shape.typed:
        content = [{"type": "text", "text": content}]
    done = {**message, "content": content}
    if calls and not shape.objects:
        done["tool_calls"] = [_as_string(call) for call in calls]
    return done


def _as_string(call: Message) -> Message:
    function = call["function"]
    if isinstance(function["arguments"], str):
        return call
    arguments = json.dumps(function["arguments"], ensure_ascii=False)
    return {**call, "function": {**function, "arguments": arguments}}


def one_call_each(messages: Sequence[Message]) -> list[Message]:
    """Messages with several calls as several messages, each followed by its call's result."""
    done: list[Message] = []
    waiting = list(messages)
    while waiting:
        message = waiting.pop(0)
        calls = message.get("tool_calls") or []
        if len(calls) < 2:
            done.append(message)
            continue
        count = next((at for at, m in enumerate(waiting) if m["role"] != "tool"), len(waiting))
        results, waiting = waiting[:count], waiting[count:]
        for number, call in enumerate(calls):
            text = "" if number else message["content"]
            done.append({**message, "content": text, "tool_calls": [call]})
            done += [result for result in results if result["tool_call_id"] == call["id"]]
        known = {call["id"] for call in calls}
        done += [result for result in results if result["tool_call_id"] not in known]
    return done


def with_ids(messages: Iterable[Message], size: int) -> list[Message]:
    """Calls and results with ids of so many letters and digits; equal ones stay equal."""
    done = []
    for message in messages:
        changed = dict(message)
        if message.get("tool_calls"):
            calls = message["tool_calls"]
            changed["tool_calls"] = [{**call, "id": _id(call["id"], size)} for call in calls]
        if message["role"] == "tool":
            changed["tool_call_id"] = _id(message["tool_call_id"], size)
        done.append(changed)
    return done


def _id(id: str, size: int) -> str:
    if re.fullmatch(f"[A-Za-z0-9]{{{size}}}", id):
        return id
    digest = hashlib.sha256(id.encode("utf-8", "replace")).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:size])
