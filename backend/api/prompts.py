"""From a chat request to what the engine understands: a prompt and a sampling."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from backend.chat.template import TemplateError
from backend.engine.inflight import Job
from backend.engine.messages import Loaded, Sampling
from backend.errors import InvalidRequest
from backend.registry import chat_template
from backend.schema.chat import ChatRequest, Message

_SAMPLING_FIELDS = tuple(Sampling.__dataclass_fields__)
_NEVER = (
    *("functions", "logprobs", "top_logprobs", "audio", "grammar", "json_schema"),
    *("guided_json", "guided_regex", "guided_choice", "guided_grammar", "structured_outputs"),
    *("min_tokens", "ignore_eos", "mirostat", "dry_multiplier", "xtc_probability"),
    "dynatemp_range",
)
"""Fields that ask for something not supported unless they are empty, 0 or false."""
_TOKEN = re.compile("0|[1-9][0-9]{0,8}")


def to_jobs(request: ChatRequest, card: Loaded) -> list[Job]:
    """What a model is to do for each choice of a request; a seed is counted on from the first.

    Raises:
        InvalidRequest: As ``to_job``.
    """
    job = to_job(request, card)
    seed = job.sampling.seed
    seeds = [None if seed is None else seed + choice for choice in range(request.n or 1)]
    return [replace(job, sampling=replace(job.sampling, seed=seed)) for seed in seeds]


def to_job(request: ChatRequest, card: Loaded) -> Job:
    """What a model is to do for a request.

    Raises:
        InvalidRequest: It asks for something not supported, the model writes no text, or its
            template refuses it.
    """
    if not card.chat:
        raise InvalidRequest(
            "This model writes no text, it only makes vectors: use POST /v1/embeddings.",
            param="model",
            code="unsupported_model",
        )
    refuse_unsupported(request)
    messages = [_message(message) for message in request.messages]
    try:
        prompt = chat_template(card).render(messages)
    except TemplateError as error:
        raise InvalidRequest(f"messages: {error}.", param="messages") from error
    most = request.max_completion_tokens or request.max_tokens
    chosen = sampling(request, card.vocabulary)
    return Job(_whole(prompt), chosen, most, _stops(request), request.cache_prompt)


def _whole(prompt: str) -> str:
    """A prompt without halves of characters, which a call's arguments can hold as ``\\ud800``."""
    return prompt.encode("utf-8", "replace").decode()


def sampling(request: ChatRequest, vocabulary: int) -> Sampling:
    """The request's choices, and the defaults for what it leaves open.

    Raises:
        InvalidRequest: ``logit_bias`` names no token of a vocabulary of this size.
    """
    chosen = {name: getattr(request, name) for name in _SAMPLING_FIELDS}
    chosen["logit_bias"] = _biases(request.logit_bias or {}, vocabulary)
    return Sampling(**{name: value for name, value in chosen.items() if value is not None})


def _biases(biases: Mapping[str, float], vocabulary: int) -> tuple[tuple[int, float], ...]:
    for key in biases:
        if not (_TOKEN.fullmatch(key) and int(key) < vocabulary):
            raise InvalidRequest(
                f"logit_bias: {key[:20]!r} is no token; they go from 0 to {vocabulary - 1}.",
                param="logit_bias",
            )
    return tuple((int(key), bias) for key, bias in biases.items())


def refuse_unsupported(request: ChatRequest) -> None:
    """Refuses what would silently give another answer than the client asked for.

    Raises:
        InvalidRequest: Naming the field.
    """
    wants_text = request.response_format is None or request.response_format.get("type") == "text"
    demands = {
        "tools": bool(request.tools) and request.tool_choice != "none",
        "tool_choice": request.tool_choice not in (None, "none", "auto"),
        "response_format": not wants_text,
        "repetition_penalty": request.repetition_penalty not in (None, 1),
        **{field: bool(getattr(request, field)) for field in _NEVER},
    }
    for field, demanded in demands.items():
        if demanded:
            raise InvalidRequest(
                f"{field} is not supported by this server.",
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
    except (ValueError, RecursionError):
        return call
    return {**call, "function": {**function, "arguments": arguments}}
