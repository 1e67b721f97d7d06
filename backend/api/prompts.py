"""From requests for text to what is asked of a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from backend.api.plans import Ask
from backend.chat.wanted import Choice, NamedTool, Wanted
from backend.engine.sampling import Sampling
from backend.errors import InvalidRequest
from backend.schema.chat import ChatRequest, ContentPart, Message, ResponseFormat
from backend.schema.sampling import SamplingFields

_SAMPLING_FIELDS = tuple(Sampling.__dataclass_fields__)
_NEVER = (
    *("functions", "function_call", "audio", "web_search_options", "n_predict", "n_probs"),
    *("guided_json", "guided_regex", "guided_choice", "guided_grammar", "structured_outputs"),
)
"""Fields that ask for something not supported unless they are empty, 0 or false."""
_INSTEAD = {
    "functions": "Use tools.",
    "function_call": "Use tool_choice.",
    "guided_json": "Use response_format.",
    "guided_grammar": "Use grammar.",
    "structured_outputs": "Use response_format.",
    "repetition_penalty": "Use repeat_penalty.",
    "n_predict": "Use max_tokens.",
    "n_probs": "Use logprobs and top_logprobs.",
}
_TOKEN = re.compile("0|[1-9][0-9]{0,8}")
Schema = Mapping[str, Any] | Literal[True]
_PARTS = {"text", "input_text", "output_text", "refusal"}


def to_ask(request: ChatRequest) -> Ask:
    """What a chat request wants.

    Raises:
        InvalidRequest: It asks for something not supported, or for two things at once.
    """
    refuse_unsupported(request)
    return Ask(
        wanted=to_wanted(request),
        sampling=sampling(request),
        max_tokens=request.max_completion_tokens or request.max_tokens,
        stop=stops(request),
        n=request.n or 1,
        reuse=request.cache_prompt,
        logprobs=_logprobs(request),
        ignore_eos=bool(request.ignore_eos),
        schema_field=schema_field(request),
        exact=True,
    )


def to_wanted(request: ChatRequest) -> Wanted:
    """The conversation of a request, its tools and the form of its answer.

    Raises:
        InvalidRequest: As ``to_ask``.
    """
    return Wanted(
        messages=[_message(message, at) for at, message in enumerate(request.messages)],
        tools=[tool.model_dump(exclude_unset=True) for tool in request.tools or ()],
        tool_choice=_tool_choice(request),
        parallel=request.parallel_tool_calls is not False,
        schema=_schema(request),
        gbnf=request.grammar or None,
        thinking=_thinking(request),
        template_arguments=_template_arguments(request),
    )


def sampling(request: SamplingFields) -> Sampling:
    """The request's choices, and the defaults for what it leaves open.

    Raises:
        InvalidRequest: A key of ``logit_bias`` is no number.
    """
    chosen = {name: getattr(request, name) for name in _SAMPLING_FIELDS}
    chosen["logit_bias"] = _biases(request.logit_bias or {})
    for name in ("samplers", "dry_sequence_breakers"):
        chosen[name] = None if chosen[name] is None else tuple(chosen[name])
    return Sampling.of(**chosen)


def stops(request: SamplingFields) -> tuple[str, ...]:
    """The texts that end the answer."""
    if request.stop is None:
        return ()
    return (request.stop,) if isinstance(request.stop, str) else tuple(request.stop)


def refuse_unsupported(request: SamplingFields) -> None:
    """Refuses what would silently give another answer than the client asked for.

    Raises:
        InvalidRequest: Naming the field.
    """
    demands = {field: bool(getattr(request, field, None)) for field in _NEVER}
    demands["modalities"] = getattr(request, "modalities", None) not in (None, [], ["text"])
    demands["repetition_penalty"] = request.repetition_penalty not in (None, 1)
    for field, demanded in demands.items():
        if demanded:
            hint = f" {_INSTEAD[field]}" if field in _INSTEAD else ""
            raise InvalidRequest(
                f"{field} is not supported by this server.{hint}",
                param=field,
                code="unsupported_parameter",
            )


def refuse_two_forms(request: SamplingFields, *others: str) -> None:
    """Refuses a request that wants its answer in two forms.

    Raises:
        InvalidRequest: Naming both fields.
    """
    forms = {"grammar": request.grammar or None, "json_schema": request.json_schema}
    given = [*(name for name, form in forms.items() if form is not None), *others]
    if len(given) > 1:
        raise InvalidRequest(
            f"{given[0]} and {given[1]} both say what the answer has to look like: give one.",
            param=given[0],
        )


def _biases(biases: Mapping[str, float]) -> tuple[tuple[int, float], ...]:
    for key in biases:
        if not _TOKEN.fullmatch(key):
            raise InvalidRequest(
                f"logit_bias: {key[:20]!r} is no token; they are whole numbers from 0 on.",
                param="logit_bias",
            )
    return tuple((int(key), bias) for key, bias in biases.items())


def _logprobs(request: ChatRequest) -> int | None:
    if request.logprobs:
        return request.top_logprobs or 0
    if request.top_logprobs:
        raise InvalidRequest("top_logprobs needs logprobs: true.", param="top_logprobs")
    return None


def _tool_choice(request: ChatRequest) -> Choice:
    choice = request.tool_choice
    if not isinstance(choice, dict):
        return choice or "auto"
    function = choice.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    if choice.get("type") != "function" or not isinstance(name, str):
        raise InvalidRequest(
            "tool_choice must be 'auto', 'none', 'required' or"
            ' {"type": "function", "function": {"name": ...}}.',
            param="tool_choice",
        )
    return NamedTool(name)


def schema_field(request: ChatRequest) -> str:
    """Where the schema of the answer stands in the request."""
    form = request.response_format
    if form is None or form.type == "text":
        return "json_schema"
    inner = "json_schema.schema" if form.type == "json_schema" else "schema"
    return f"response_format.{inner}"


def _schema(request: ChatRequest) -> Schema | None:
    form = request.response_format
    if form is None or form.type == "text":
        refuse_two_forms(request)
        return request.json_schema
    refuse_two_forms(request, "response_format")
    return _format(form)


def _format(form: ResponseFormat) -> Schema:
    if form.type == "json_object":
        return True if form.schema_ is None else form.schema_
    if form.json_schema is None or form.json_schema.schema_ is None:
        field = "response_format.json_schema" + ".schema" * (form.json_schema is not None)
        raise InvalidRequest(f"{field} is missing.", param=field)
    return form.json_schema.schema_


def _thinking(request: ChatRequest) -> bool | None:
    """Whether the model is to reason first; an effort of "none" says that it is not."""
    if request.enable_thinking is None and request.reasoning_effort == "none":
        return False
    return request.enable_thinking


def _template_arguments(request: ChatRequest) -> dict[str, Any]:
    arguments = dict(request.chat_template_kwargs or {})
    if request.reasoning_effort is not None:
        arguments["reasoning_effort"] = request.reasoning_effort
    return arguments


def _message(message: Message, at: int) -> dict[str, Any]:
    """A message as templates know it: content is a string, fields left out are not there."""
    content = message.content
    if isinstance(content, list):
        content = "\n".join(
            _part(part, f"messages[{at}].content[{place}]") for place, part in enumerate(content)
        )
    known = {
        "role": "system" if message.role == "developer" else message.role,
        "content": content or "",
        "reasoning_content": message.reasoning_content,
        "name": message.name,
        "tool_call_id": message.tool_call_id,
        "tool_calls": message.tool_calls or None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _part(part: ContentPart, field: str) -> str:
    text = part.refusal if part.type == "refusal" else part.text
    if part.type not in _PARTS:
        raise InvalidRequest(
            f"{field}.type: {part.type[:40]!r} is not supported: the model reads text only.",
            param=f"{field}.type",
            code="unsupported_content",
        )
    if text is None:
        raise InvalidRequest(f"{field}.text is missing.", param=f"{field}.text")
    return text
