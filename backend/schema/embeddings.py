"""The body of ``POST /v1/embeddings``, and its answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

_MOST_TEXTS = 2048
_MOST_TOKEN = (1 << 31) - 1

Input = str | tuple[int, ...]
"""One text: written, or as tokens of the model."""
_Token = Annotated[int, Field(ge=0, le=_MOST_TOKEN)]
_Text = Annotated[str, Field(min_length=1)]
_Tokens = Annotated[list[_Token], Field(min_length=1)]
_Given = (
    _Text | _Tokens | Annotated[list[_Text | _Tokens], Field(min_length=1, max_length=_MOST_TEXTS)]
)
"""As a client writes it; for the document of the API, since `_inputs` gives better errors."""


def _inputs(value: Any) -> tuple[Input, ...]:
    """The texts of a request, in any of the four forms."""
    if isinstance(value, list) and value and all(type(item) is int for item in value):
        value = [value]
    texts = value if isinstance(value, list) else [value]
    if not 0 < len(texts) <= _MOST_TEXTS:
        raise _wrong(f"has {len(texts)} texts, and there must be 1 to {_MOST_TEXTS}")
    return tuple(_input(text, index) for index, text in enumerate(texts))


def _input(text: Any, index: int) -> Input:
    if isinstance(text, str) and text:
        return text
    if isinstance(text, list) and text and all(type(token) is int for token in text):
        if all(0 <= token <= _MOST_TOKEN for token in text):
            return tuple(text)
        raise _wrong(f"text {index} has a number that is no token")
    if text in ("", []):
        raise _wrong(f"text {index} is empty")
    raise _wrong("must be a text, a list of texts, a list of tokens or a list of such lists")


def _wrong(what: str) -> PydanticCustomError:
    return PydanticCustomError("input", "{what}", {"what": what})


class EmbeddingsRequest(BaseModel):
    """Texts, or tokens of the model, to turn into vectors."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)

    input: Annotated[tuple[Input, ...], PlainValidator(_inputs, json_schema_input_type=_Given)]
    model: str | None = None
    dimensions: Annotated[int, Field(ge=1)] | None = None
    encoding_format: Literal["float", "base64"] | None = None


class Embedding(BaseModel):
    """One vector, of length 1: numbers, or base64 of 32-bit floats, little endian."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingsUsage(BaseModel):
    """Tokens of a request."""

    prompt_tokens: int
    total_tokens: int


class Embeddings(BaseModel):
    """A vector for each input, in their order."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingsUsage
