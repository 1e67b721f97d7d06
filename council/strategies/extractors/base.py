"""The contract of an extractor: how the position that an answer takes is read from its text."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

LONGEST = 100_000
"""Characters of the longest text that costly readers look at; what is longer holds no position.

Reading a part of it could read a position that the whole takes back.
"""


class Extractor(BaseModel):
    """A way of reading positions; its fields are its options.

    Each has a `kind`, which is what panel files call it.

    Attributes:
        confidence: Whether the confidence that answers state (`Confidence: 80%`) weighs their
            votes, within bounds; see `confidence.py`. It is no part of what else is read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    kind: str
    confidence: bool = False


class Closed(Extractor):
    """An extractor that needs nothing but the texts."""

    def settled(self, texts: Sequence[str], question: str) -> Closed:
        """The extractor that reads a whole panel; itself, unless it chooses between several.

        Args:
            texts: The answers that count.
            question: What was asked.
        """
        del texts, question
        return self

    def knowing(self, earlier: str) -> Closed:
        """The extractor for a conversation; itself, unless it reads otherwise in one.

        Args:
            earlier: What the user asked before the question.
        """
        del earlier
        return self

    @abstractmethod
    def read(self, text: str, question: str) -> str | None:
        """The position that an answer takes, None where it takes none that can be read."""
