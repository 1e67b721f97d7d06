"""What an answer cites, checked: only passages that were shown count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from examples.retrieval.passages import Passage

_CITED = re.compile(r"\s*\[(\d{1,6}(?:\s*,\s*\d{1,6})*)\]")
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, slots=True)
class Citation:
    """One passage that an answer cites.

    Attributes:
        number: As it was shown, from 1.
        passage: What was shown under it.
        is_quote: Whether what the answer says before the number stands in the passage word for
            word. If not, only a reader can tell whether the passage says so.
    """

    number: int
    passage: Passage
    is_quote: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer with its citations checked.

    Attributes:
        text: The answer without the numbers that were never shown.
        citations: Those that were, each passage once, in the answer's order.
        dropped: The numbers that were not.
    """

    text: str
    citations: tuple[Citation, ...]
    dropped: tuple[int, ...]


def check(answer: str, shown: Sequence[Passage]) -> Checked:
    """Checks an answer's citations, `[1]` or `[1, 3]`, against the passages shown to its author."""
    found: dict[int, Citation] = {}
    dropped: list[int] = []
    text, end = "", 0
    for match in _CITED.finditer(answer):
        said = answer[end : match.start()]
        numbers = [int(number) for number in match[1].split(",")]
        kept = [number for number in numbers if 1 <= number <= len(shown)]
        dropped += [number for number in numbers if number not in kept]
        for number in kept:
            passage = shown[number - 1]
            found.setdefault(number, Citation(number, passage, is_quote(said, passage)))
        text += said + (f" [{', '.join(map(str, kept))}]" if kept else "")
        end = match.end()
    return Checked((text + answer[end:]).strip(), tuple(found.values()), tuple(dropped))


def is_quote(said: str, passage: Passage) -> bool:
    """Whether a passage holds these words in this order, whatever their case and punctuation."""
    words = _words(said)
    return bool(words) and f" {words} " in f" {_words(passage.text)} "


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def sentences(passage: Passage) -> list[str]:
    """The sentences of a passage, roughly: they end before white space."""
    return _SENTENCE_ENDS.split(passage.text)
