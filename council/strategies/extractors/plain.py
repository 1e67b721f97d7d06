"""Extractors without options: `auto`, `number`, `text`, `exact`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from council.strategies.extractors.base import Closed
from council.strategies.extractors.choice import ChoiceExtractor
from council.strategies.positions import conclusive_number, number, pick_reader, plain_text


class NumberExtractor(Closed):
    """The number that an answer comes to."""

    kind: Literal["number"] = "number"

    def read(self, text: str, question: str) -> str | None:
        """See `positions.number`."""
        return number(text, question)


class TextExtractor(Closed):
    """What an answer says beyond the question's own words, in lower case."""

    kind: Literal["text"] = "text"

    def read(self, text: str, question: str) -> str | None:
        """See `positions.plain_text`."""
        return plain_text(text, question)

    def knowing(self, earlier: str) -> Closed:
        """One that takes earlier questions' words for repeated, too."""
        return _TextInConversation(confidence=self.confidence, earlier=earlier)


class _TextInConversation(TextExtractor):
    """`text` within a conversation; no kind of its own.

    Attributes:
        earlier: What the user asked before the question.
    """

    earlier: str

    def read(self, text: str, question: str) -> str | None:
        """See `positions.plain_text`."""
        return plain_text(text, question, self.earlier)


class ExactExtractor(Closed):
    """The whole text as it was written, but for white space around it."""

    kind: Literal["exact"] = "exact"

    def read(self, text: str, question: str) -> str | None:
        """The trimmed text."""
        del question
        return text.strip() or None


class ConclusiveNumberExtractor(Closed):
    """The number that an answer comes to, unless it is only mentioned; chosen by `auto`."""

    kind: Literal["number"] = "number"

    def read(self, text: str, question: str) -> str | None:
        """See `positions.conclusive_number`."""
        return conclusive_number(text, question)


class AutoExtractor(Closed):
    """A number, else a choice, else the text: whichever first reads more than half the answers."""

    kind: Literal["auto"] = "auto"

    def settled(self, texts: Sequence[str], question: str) -> Closed:
        """See `pick_reader`."""
        name, _ = pick_reader(texts, question)
        return _SETTLED[name]

    def read(self, text: str, question: str) -> str | None:
        """One answer by itself, by the reader that fits it."""
        return self.settled([text], question).read(text, question)


_SETTLED: dict[str, Closed] = {
    "number": ConclusiveNumberExtractor(),
    "choice": ChoiceExtractor(),
    "text": TextExtractor(),
}
