"""What a run hands over to the record besides its events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from council.events import Event
from council.messages import ChatRequest, ChatToken, Usage
from council.replies import Failure


@dataclass(frozen=True, slots=True)
class Sent:
    """A request goes out; `number` tells it from the others of its run."""

    number: int
    expert: str
    request: ChatRequest


@dataclass(frozen=True, slots=True)
class Ended:
    """A request's reply is whole, or failed."""

    number: int
    tokens: Sequence[ChatToken] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Vector:
    """A text's vector, and what of the tokens that embedding used is for this text."""

    text: str
    vector: tuple[float, ...]
    usage: Usage


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Texts were embedded by a model, into a space of vectors; see `vectors.space_of`."""

    model: str
    space: str
    vectors: Sequence[Vector]


@dataclass(frozen=True, slots=True)
class Closed:
    """Nothing more will come of the run, at this time (seconds since 1970 UTC)."""

    at: float


Item = Event | Sent | Ended | Embeddings | Closed
