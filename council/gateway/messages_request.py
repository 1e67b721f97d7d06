"""From a Messages request to what is asked of a panel."""

from __future__ import annotations

import json
from collections.abc import Sequence

from council.answer_form import AnswerForm
from council.gateway.errors import InvalidRequest
from council.gateway.fields import (
    Wish,
    form_of,
    given,
    ignored,
    image_part,
    options_of,
    refuse,
    require_question,
)
from council.gateway.messages_schema import (
    Block,
    CountBody,
    ImageSource,
    InputMessage,
    MessagesBody,
)
from council.gateway.state import Show
from council.messages import ChatMessage, Json, Role, ToolCall

_SILENT = frozenset(("metadata", "service_tier", "tool_choice", "cache_control"))
"""Fields that say who asks or how to bill it."""
_REFUSED = {
    "tools": ": its experts have none of the client's tools. Leave it out.",
    "mcp_servers": ": leave it out.",
    "container": ": leave it out.",
    "context_management": ": leave it out.",
}
_THOUGHTS = ("thinking", "redacted_thinking")


def to_wish(request: MessagesBody) -> Wish:
    """What a request wants.

    Raises:
        InvalidRequest: It asks for what a panel cannot give; names the field.
    """
    fields = given(request)
    refuse({name: why for name, why in _REFUSED.items() if fields.get(name)})
    messages = to_messages(request)
    require_question(messages)
    field = request.council
    # Who says that there is to be no thinking has no place for the experts' texts.
    disabled = request.thinking is not None and request.thinking.type == "disabled"
    quiet: Show | None = "answer" if disabled else None
    return Wish(
        panel=request.model,
        messages=messages,
        options=options_of(field, form=_form(request)),
        show=(field.show if field else None) or quiet,
        hold=bool(field and field.hold),
        ignored=("max_tokens", *_thinking(request), *ignored(request, _SILENT)),
    )


def to_messages(request: CountBody) -> tuple[ChatMessage, ...]:
    """The conversation, with the system prompt as its first turn.

    Raises:
        InvalidRequest: A block is of a type that no panel takes, or lacks a field.
    """
    system = _system(request.system)
    messages = [ChatMessage("system", system)] if system else []
    for at, message in enumerate(request.messages):
        messages += _turns(message, f"messages[{at}].content")
    if not messages:
        raise InvalidRequest("messages: none of them has any content.", param="messages")
    return tuple(messages)


def _thinking(request: CountBody) -> tuple[str, ...]:
    return () if request.thinking is None else ("thinking",)


def _form(request: CountBody) -> AnswerForm | None:
    output = request.output_config
    if output is None or output.format is None:
        return None
    return form_of(output.format.json_schema, "output_config.format.schema")


def _system(system: str | list[Block] | None) -> str:
    if not isinstance(system, list):
        return system or ""
    return "\n".join(_text(block, f"system[{at}]") for at, block in enumerate(system))


def _turns(message: InputMessage, field: str) -> list[ChatMessage]:
    """A turn as the chat API has it, where what tools gave stands in turns of its own."""
    if isinstance(message.content, str):
        return [ChatMessage(message.role, message.content)]
    placed = [(f"{field}[{at}]", block) for at, block in enumerate(message.content)]
    if message.role == "assistant":
        return [_assistant(placed)]
    results = [_result(block, at) for at, block in placed if block.type == "tool_result"]
    said = [(at, block) for at, block in placed if block.type != "tool_result"]
    return [*results, *([_said(message.role, said)] if said else [])]


def _said(role: Role, placed: Sequence[tuple[str, Block]]) -> ChatMessage:
    parts: tuple[Json, ...] = tuple(_part(block, at) for at, block in placed)
    if any(part["type"] != "text" for part in parts):
        return ChatMessage(role, parts)
    return ChatMessage(role, "\n".join(str(part["text"]) for part in parts))


def _assistant(placed: Sequence[tuple[str, Block]]) -> ChatMessage:
    """What it said and called; thoughts stay behind, being what experts said to each other."""
    calls = tuple(_call(block, at) for at, block in placed if block.type == "tool_use")
    texts = [_text(block, at) for at, block in placed if block.type not in ("tool_use", *_THOUGHTS)]
    return ChatMessage("assistant", "\n".join(texts), calls)


def _call(block: Block, field: str) -> ToolCall:
    called = json.dumps(block.input or {}, ensure_ascii=False)
    return ToolCall(_required(block.id, f"{field}.id"), block.name or "", called)


def _result(block: Block, field: str) -> ChatMessage:
    id = _required(block.tool_use_id, f"{field}.tool_use_id")
    content = block.content or ""
    if isinstance(content, list):
        content = "\n".join(
            _text(inner, f"{field}.content[{at}]") for at, inner in enumerate(content)
        )
    # The chat API has no other place for it.
    said = f"Error: {content}" if block.is_error else content
    return ChatMessage("tool", said, tool_call_id=id)


def _part(block: Block, field: str) -> Json:
    if block.type == "image":
        if block.source is None:
            raise InvalidRequest(f"{field}.source is missing.", param=f"{field}.source")
        return _image(block.source, f"{field}.source")
    return {"type": "text", "text": _text(block, field)}


def _image(source: ImageSource, field: str) -> Json:
    if source.type == "url":
        return image_part(_required(source.url, f"{field}.url"), f"{field}.url")
    if source.type == "base64":
        kind = _required(source.media_type, f"{field}.media_type")
        data = _required(source.data, f"{field}.data")
        return image_part(f"data:{kind};base64,{data}", f"{field}.data")
    raise _unsupported(source.type, f"{field}.type")


def _text(block: Block, field: str) -> str:
    if block.type != "text":
        raise _unsupported(block.type, f"{field}.type")
    return _required(block.text, f"{field}.text")


def _required(value: str | None, field: str) -> str:
    if value is None:
        raise InvalidRequest(f"{field} is missing.", param=field)
    return value


def _unsupported(type: str, field: str) -> InvalidRequest:
    return InvalidRequest(
        f"{field}: {type[:40]!r} is not supported here: a panel takes text, and images in the"
        " user's turns.",
        param=field,
        code="unsupported_content",
    )
