"""From a chat request to what is asked of a panel."""

from __future__ import annotations

from typing import Any

from council.answer_form import AnswerForm
from council.gateway.chat_schema import ChatBody, ContentPart, Message, ResponseFormat
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
from council.messages import ChatMessage, Json, ToolCall

_SILENT = frozenset(
    (
        *("user", "metadata", "store", "session_id", "safety_identifier", "prompt_cache_key"),
        *("prompt_cache_retention", "parallel_tool_calls", "tool_choice", "n", "logprobs"),
        *("modalities", "functions", "function_call", "audio", "web_search_options"),
    )
)
"""Fields that say who asks or where to file it, and those that are refused if they ask for much."""
_FORM = ": use response_format."
_REFUSED = {
    "tools": ": its experts have none of the client's tools. Leave it out.",
    "functions": ": its experts have none of the client's tools. Leave it out.",
    "function_call": ": its experts have none of the client's tools. Leave it out.",
    "logprobs": ": several models made its answer. Leave it out.",
    "top_logprobs": ": several models made its answer. Leave it out.",
    "audio": ": it answers in text.",
    "web_search_options": ": leave it out.",
    "grammar": _FORM,
    "json_schema": _FORM,
    "guided_json": _FORM,
    "guided_regex": _FORM,
    "guided_choice": _FORM,
    "guided_grammar": _FORM,
    "structured_outputs": _FORM,
}
_TEXTS = ("text", "input_text", "output_text")
_ANY_OBJECT = {"type": "object"}


def to_wish(request: ChatBody) -> Wish:
    """What a chat request wants.

    Raises:
        InvalidRequest: It asks for what a panel cannot give; names the field.
    """
    refuse(_refused(given(request)))
    messages = tuple(_message(message, at) for at, message in enumerate(request.messages))
    require_question(messages)
    field = request.council
    return Wish(
        panel=request.model,
        messages=messages,
        options=options_of(field, seed=request.seed, form=_form(request.response_format)),
        show=field.show if field else None,
        hold=bool(field and field.hold),
        ignored=ignored(request, _SILENT),
    )


def _refused(fields: dict[str, Any]) -> dict[str, str]:
    found = {name: why for name, why in _REFUSED.items() if fields.get(name)}
    if fields.get("tool_choice", "none") not in ("none", "auto"):
        found["tool_choice"] = _REFUSED["tools"]
    if fields.get("n", 1) != 1:
        found["n"] = " with another value than 1: it gives one answer."
    if fields.get("modalities", ["text"]) != ["text"]:
        found["modalities"] = ": it answers in text."
    return found


def _form(wanted: ResponseFormat | None) -> AnswerForm | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return form_of(_ANY_OBJECT, "response_format")
    described = wanted.json_schema
    if described is None or described.schema_ is None:
        field = "response_format.json_schema" + ".schema" * (described is not None)
        raise InvalidRequest(f"{field} is missing.", param=field)
    schema = described.schema_
    if described.name and "title" not in schema:
        schema = {"title": described.name, **schema}
    return form_of(schema, "response_format.json_schema.schema")


def _message(message: Message, at: int) -> ChatMessage:
    calls = tuple(
        ToolCall(call.id, call.function.name, call.function.arguments)
        for call in message.tool_calls or ()
    )
    content = _content(message.content, f"messages[{at}].content")
    return ChatMessage(
        message.role, content or message.refusal or "", calls, message.tool_call_id or ""
    )


def _content(content: str | list[ContentPart] | None, field: str) -> str | tuple[Json, ...]:
    """Text where there is nothing else, so that all experts can read it."""
    if not isinstance(content, list):
        return content or ""
    parts = tuple(_part(part, f"{field}[{at}]") for at, part in enumerate(content))
    if any(part["type"] != "text" for part in parts):
        return parts
    return "\n".join(str(part["text"]) for part in parts)


def _part(part: ContentPart, field: str) -> Json:
    if part.type == "image_url":
        if part.image_url is None:
            raise InvalidRequest(f"{field}.image_url is missing.", param=f"{field}.image_url")
        return image_part(part.image_url.url, f"{field}.image_url.url", part.image_url.detail)
    text = part.refusal if part.type == "refusal" else part.text
    if part.type not in (*_TEXTS, "refusal"):
        raise InvalidRequest(
            f"{field}.type: {part.type[:40]!r} is not supported: a panel takes text and images.",
            param=f"{field}.type",
            code="unsupported_content",
        )
    if text is None:
        name = "refusal" if part.type == "refusal" else "text"
        raise InvalidRequest(f"{field}.{name} is missing.", param=f"{field}.{name}")
    return {"type": "text", "text": text}
