"""The extractor `choice`: a letter, yes or no, or one of the options that the panel file lists."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from council.strategies.extractors.base import LONGEST, Closed
from council.strategies.positions import choice

_NEGATION = re.compile(r"\b(?:not|never|neither|nor|cannot|without|except|\w+n['’]t)\b", re.I)
_SENTENCE = re.compile(r"[^.!?;\n]+")
_MARK = r"\b(?:answer|option|choice)\b\W*(?:is|:)?\W{0,4}"
_END = r"(?!\w)(?=\W*(?:$|\n)|[^\w\s]*[.;:!)*])"


class ChoiceExtractor(Closed):
    """The option that an answer picks.

    Attributes:
        choices: The options, told apart without regard to case; None for a letter A to H, or yes
            or no.
    """

    kind: Literal["choice"] = "choice"

    choices: (
        Annotated[list[Annotated[str, Field(pattern=r"\w")]], Field(min_length=2, max_length=100)]
        | None
    ) = None

    @field_validator("choices")
    @classmethod
    def _all_differ(cls, choices: list[str] | None) -> list[str] | None:
        seen: set[str] = set()
        for option in choices or []:
            if _plain(option) in seen:
                raise ValueError(f"{option!r} stands twice: options have to differ beyond case")
            seen.add(_plain(option))
        return choices

    def read(self, text: str, question: str) -> str | None:
        """The option, spelt as in `choices`."""
        if self.choices is None:
            return choice(text, question)
        return pick(text, self.choices) if len(text) <= LONGEST else None


def pick(text: str, options: list[str]) -> str | None:
    """The one option that a text picks, None where it picks none or several.

    In this order: the whole text; what follows `answer is` or the like, the last time; the text's
    beginning, up to a stop; the only option that is named without a negation before it in the
    sentence. A single letter is a word like others (`a`), so it needs one of the first three.
    """
    spelt = {_plain(option): option for option in options}
    # The longest first: `dark red` is no `red`.
    words = "|".join(_pattern(option) for option in sorted(spelt, key=len, reverse=True))
    if _plain(text) in spelt:
        return spelt[_plain(text)]
    marked = re.findall(rf"{_MARK}({words}){_END}", text, re.IGNORECASE)
    if marked:
        return spelt[_plain(marked[-1])]
    first = re.match(rf"\W*({words}){_END}", text, re.IGNORECASE)
    if first:
        return spelt[_plain(first[1])]
    named = _named(text, words) - {option for option in spelt if len(option) == 1}
    return spelt[named.pop()] if len(named) == 1 else None


def _named(text: str, words: str) -> set[str]:
    """The options that a text names and does not deny."""
    option = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)
    found: set[str] = set()
    for sentence in _SENTENCE.findall(text):
        # An option may hold such a word itself (`not sure`).
        denial = _NEGATION.search(option.sub(lambda match: " " * len(match[0]), sentence))
        claimed = sentence[: denial.start()] if denial else sentence
        found.update(_plain(name) for name in option.findall(claimed))
    return found


def _plain(text: str) -> str:
    """A text in lower case, with single spaces and no punctuation around it."""
    start, end = 0, len(text)
    while start < end and not (text[start].isalnum() or text[start] in "+-_"):
        start += 1
    while end > start and not (text[end - 1].isalnum() or text[end - 1] in "+%_"):
        end -= 1
    return " ".join(text[start:end].lower().split())


def _pattern(option: str) -> str:
    return r"\s+".join(map(re.escape, option.split()))
