"""What a template can do, found out by rendering a small conversation with a call in it."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from backend.chat.formats import candidates
from backend.chat.formats.base import Format
from backend.chat.formats.hermes import Hermes
from backend.chat.history import Message, Shape, shaped
from backend.chat.reader import Reader, parse
from backend.chat.template import ChatTemplate, TemplateError
from backend.chat.tools import Tool

_KEY, _VALUE, _RESULT, _WORDS = "probe_key", "probe_value", "probe_result", "probe_words"
_SCHEMA = {"type": "object", "properties": {_KEY: {"type": "string"}}, "required": [_KEY]}
_TOOL = Tool("", "probe_tool", "probe", _SCHEMA, strict=False)
_USER: Message = {"role": "user", "content": _WORDS}
_CALL = {"name": _TOOL.name, "arguments": {_KEY: _VALUE}}
_CALLS = [{"id": "probe0001", "type": "function", "function": _CALL}]
_ASSISTANT: Message = {"role": "assistant", "content": "", "tool_calls": _CALLS}
_RETURNED: Message = {
    "role": "tool",
    "content": _RESULT,
    "name": _TOOL.name,
    "tool_call_id": "probe0001",
}
_SHAPES = [Shape(objects, empty) for objects, empty in itertools.product((True, False), ("", None))]


@dataclass(frozen=True)
class Abilities:
    """What a template can do.

    Attributes:
        form: How the model is to write calls.
        tools: Whether the template shows the tools that it is given.
        calls: Whether it shows calls and their results in a form that is known here.
        shape: How it wants messages.
    """

    form: Format
    tools: bool
    calls: bool
    shape: Shape


@functools.lru_cache(maxsize=64)
def abilities(template: ChatTemplate) -> Abilities:
    """What a template can do; a form of calls that is not known counts as none."""
    typed = _WORDS not in _render(template, [_USER], Shape()) and _WORDS in _render(
        template, [_USER], Shape(typed=True)
    )
    tools = "probe_tool" in _render(template, [_USER], Shape(typed=typed), with_tool=True)
    for shape in _showing(template, typed):
        if (form := _form(template, shape)) is not None:
            return Abilities(form, tools, True, shape)
    return Abilities(Hermes(), False, False, Shape(typed=typed))


def _showing(template: ChatTemplate, typed: bool) -> Iterator[Shape]:
    """The shapes in which nothing of a call and its result is lost."""
    wanted = (_TOOL.name, _KEY, _VALUE, _RESULT)
    conversation = [_USER, _ASSISTANT, _RETURNED]
    worded = [_USER, {**_ASSISTANT, "content": "probe_said"}, _RETURNED]
    for shape in (replace(shape, typed=typed) for shape in _SHAPES):
        text = _render(template, conversation, shape)
        if all(word in text for word in wanted):
            mixed = _render(template, worded, shape)
            yield replace(shape, mixed=all(word in mixed for word in (*wanted, "probe_said")))


def _form(template: ChatTemplate, shape: Shape) -> Format | None:
    """The format that reads what the template writes."""
    text = _render(template, [_USER, _ASSISTANT, _RETURNED], shape)
    for form in candidates(template.source):
        for call in parse(text, Reader(form, [_TOOL])).calls:
            if _VALUE in call.arguments:
                return form
    return None


def _render(
    template: ChatTemplate, messages: list[Message], shape: Shape, *, with_tool: bool = False
) -> str:
    tools: list[dict[str, Any]] = [_TOOL.shown] if with_tool else []
    try:
        return template.render(shaped(messages, shape), tools)
    except TemplateError:
        return ""
