"""The messages about vectors; ``messages`` has the others, and the unions of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Embed:
    """Turn texts, or texts that are tokens already, into vectors.

    Attributes:
        id: From the same numbers as those of ``Submit``.
        inputs: At least one.
    """

    id: int
    inputs: tuple[str | tuple[int, ...], ...]
    type: Literal["embed"] = "embed"


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of one ``Embed``.

    Attributes:
        id: The request.
        vectors: Each of length 1, as base64 of 32-bit floats, little endian.
        tokens: In all inputs together.
    """

    id: int
    vectors: tuple[str, ...]
    tokens: int
    type: Literal["embedded"] = "embedded"


@dataclass(frozen=True, slots=True)
class EmbedTooLong:
    """An input has more ``tokens`` than ``limit``; ``index`` says which, from 0."""

    id: int
    index: int
    tokens: int
    limit: int
    type: Literal["embed_too_long"] = "embed_too_long"


@dataclass(frozen=True, slots=True)
class EmbedFailed:
    """A request is in order, but its vectors cannot be computed; ``reason`` is for a person."""

    id: int
    reason: str
    type: Literal["embed_failed"] = "embed_failed"


@dataclass(frozen=True, slots=True)
class EmbedRefused:
    """A request is refused.

    Attributes:
        id: The request.
        reason: For a person.
        index: The input at fault; None when it is the model that cannot do it.
    """

    id: int
    reason: str
    index: int | None = None
    type: Literal["embed_refused"] = "embed_refused"
