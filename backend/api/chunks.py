"""What the streams of OpenAI's chat and text completions have in common."""

from __future__ import annotations

import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from backend import sse
from backend.api import failures
from backend.api.answers import Answering
from backend.api.usage import usage
from backend.errors import ApiError
from backend.schema.completion import Chunk
from backend.schema.text_completion import TextCompletion

Choice = TypeVar("Choice")


@dataclass(frozen=True, slots=True)
class Head:
    """What all parts of one answer have in common."""

    id: str
    created: int
    model: str
    fingerprint: str

    @classmethod
    def of(cls, answering: Answering, kind: str) -> Head:
        """The head of an answer that begins now; its id begins with what kind it is."""
        id = f"{kind}-{secrets.token_hex(12)}"
        return cls(id, int(time.time()), answering.model, answering.fingerprint)

    def fields(self, object: str) -> dict[str, Any]:
        """The fields that it gives to an object of this name."""
        return {
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }


class Chunks(ABC, Generic[Choice]):
    """An answer in chunks, the last of them with the tokens it took where they are wanted.

    Attributes:
        alive: A comment.
        opening: A chunk's JSON up to its choices.
    """

    alive = sse.KEEP_ALIVE

    def __init__(self, answering: Answering, head: Head, *, with_usage: bool) -> None:
        """Takes an answer of which nothing is told yet."""
        self.answering = answering
        self.head = head
        self._with_usage = with_usage
        empty = self.chunk([]).model_dump_json(exclude_unset=True)
        self.opening = empty.removesuffix("]}")

    @abstractmethod
    def chunk(self, choices: Sequence[Choice]) -> Chunk | TextCompletion:
        """A chunk with what is new in some choices."""

    def event(self, *choices: Choice) -> str:
        """The event of a chunk."""
        return sse.data(self.chunk(choices).model_dump_json(exclude_unset=True))

    def end(self) -> str:
        """How many tokens it took, and that it is complete."""
        if not self._with_usage:
            return sse.DONE
        chunk = self.chunk([])
        chunk.usage = usage(self.answering)
        return sse.data(chunk.model_dump_json(exclude_unset=True)) + sse.DONE

    def fail(self, error: ApiError) -> str:
        """The error, and no ``[DONE]``."""
        return sse.data(failures.body(error))
