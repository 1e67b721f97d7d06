"""The body of ``POST /v1/completions``, and its answers: whole, and in chunks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, PlainValidator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from backend.schema.chat import StreamOptions
from backend.schema.completion import Usage
from backend.schema.sampling import SamplingFields

_MOST_PROMPTS = 128
_MOST_TOKEN = (1 << 31) - 1

Prompt = str | tuple[int, ...]
"""One text to continue: written, or as tokens of the model."""
FinishReason = Literal["stop", "length"]


def _prompts(value: Any) -> tuple[Prompt, ...]:
    """The prompts of a request, in any of the four forms."""
    if isinstance(value, list) and value and all(type(item) is int for item in value):
        value = [value]
    prompts = value if isinstance(value, list) else [value]
    if not 0 < len(prompts) <= _MOST_PROMPTS:
        raise _wrong(f"has {len(prompts)} texts, and there must be 1 to {_MOST_PROMPTS}")
    return tuple(_prompt(prompt, index) for index, prompt in enumerate(prompts))


def _prompt(prompt: Any, index: int) -> Prompt:
    if isinstance(prompt, str):
        return prompt
    if not isinstance(prompt, list) or not all(type(token) is int for token in prompt):
        raise _wrong("must be a text, a list of texts, a list of tokens or a list of such lists")
    if not prompt or not all(0 <= token <= _MOST_TOKEN for token in prompt):
        raise _wrong(f"text {index} is empty, or has a number that is no token")
    return tuple(prompt)


def _wrong(what: str) -> PydanticCustomError:
    return PydanticCustomError("prompt", "{what}", {"what": what})


_TOKENS: JsonDict = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1}
_FORMS: JsonDict = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": _MOST_PROMPTS},
        _TOKENS,
        {"type": "array", "items": _TOKENS, "minItems": 1, "maxItems": _MOST_PROMPTS},
    ]
}


class CompletionRequest(SamplingFields):
    """A request to go on with one text or several."""

    prompt: Annotated[tuple[Prompt, ...], PlainValidator(_prompts, json_schema_input_type=Any)] = (
        Field(json_schema_extra=_FORMS)
    )
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    best_of: Annotated[int, Field(ge=1, le=128)] | None = None
    echo: bool | None = None
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    suffix: str | None = None


class TextLogprobs(BaseModel):
    """How likely each token was; offsets are in characters of the choice's text."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]] | None
    text_offset: list[int]


class TextChoice(BaseModel):
    """One of the choices, or what a chunk adds to it."""

    text: str
    index: int
    logprobs: TextLogprobs | None
    finish_reason: FinishReason | None


class TextCompletion(BaseModel):
    """A whole answer, or one event of a stream; of those only the last one has ``usage``."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[TextChoice]
    usage: Usage | None = None
