"""Reading the position that an answer takes: pure functions from text to a normalised value.

A reader that merges two different answers is worse than one that cannot read them: where a text
is ambiguous, it is kept whole or not read at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from council.strategies.numbers import ANY_NUMBER, find_number, last_number, marked_number

UNKNOWN = "unknown"
"""The position of whoever says not to know: a position like others, that loses ties."""

Reader = Callable[[str, str], str | None]
"""From an answer and the question to the position, None where the answer holds none."""

_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|old|far|long|tall|high|often|fast)\b|\bwhat number\b|\d\s*[-+*/x×÷^=]\s*\d"
    r"|\b(?:calculate|compute|sum|difference|product|add|subtract|multiply|divide|solve)\b"
    r"|\b(?:plus|minus|times|divided by|percent)\b",
    re.IGNORECASE,
)
_ASKS_YES_NO = re.compile(
    r"^\W*(?:is|are|was|were|do|does|did|can|could|has|have|had|will|would|should|may|must)\b",
    re.IGNORECASE,
)
_ASKS_WHICH = re.compile(r"\bor\b", re.IGNORECASE)
_OFFERS_NUMBERS = re.compile(r"\d\W{0,3}\bor\b\W{0,3}\d", re.IGNORECASE)
_AFTER_CONCLUSION = re.compile(r"[^\w]*(?:[^\W\d]{1,14}[^\w]*)?")

_OPTIONS = re.compile(r"(?:^|[\s(])A[).:].*?[\s(]B[).:]", re.DOTALL)
_LETTER = re.compile(
    r"(?:\b(?i:answer|option|choice)\b\W*(?:is|:)?\W{0,4}|^\W*)\(?([A-H])\b(?=\W*$|[).:,*])"
)
_YES_NO = re.compile(r"(?:^\W*|\banswer\b\s*(?:is|:)?\W{0,4})(yes|no|true|false)\b", re.IGNORECASE)
_YES_NO_VALUES = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}

_UNKNOWN = re.compile(
    r"\W*(?:(?:i['’]?m )?sorry\W+|well\W+|but )*"
    r"(?:i (?:really )?(?:do not|don['’]?t) know|i(?:['’]m| am) not sure|i have no idea|unknown)\b",
    re.IGNORECASE,
)
_TURN = re.compile(r"\b(?:but|however|though|although|i think|i guess|probably)\b", re.IGNORECASE)
_UNKNOWN_CHARACTERS = 120

_WORD = re.compile(r"\w+(?:['’.]\w+)*")
_COPULAS = frozenset(("is", "are", "was", "were"))
_FILLERS = frozenset(("a", "an", "the", "it", "its", "that", "this", "of", "to", "in", "so"))


_COMPARING = frozenset(("not", "no", "than", "or"))


def number(text: str, question: str) -> str | None:
    """The number an answer comes to: boxed, after `answer is` or `=`, else the last one."""
    del question
    return find_number(text)


def conclusive_number(text: str, question: str) -> str | None:
    """The number an answer comes to, unless it only mentions one in passing.

    `Tokyo, with 37 million people` is no number; `it takes 5 hours.` is one, and so is any
    number where the question asks for one. A number that the question names is only repeated,
    unless the question offers numbers (`42 or 41`) and the answer is nothing but one of them.
    """
    if _ASKS_NUMBER.search(question) or marked_number(text):
        return find_number(text)
    found = last_number(text)
    if found is None or not _AFTER_CONCLUSION.fullmatch(text[found.end() :]):
        return None
    named = {number.rstrip(",") for number in ANY_NUMBER.findall(question)}
    if found.group().rstrip(",") in named and not _picks_an_offer(text, question):
        return None
    return find_number(text)


def choice(text: str, question: str) -> str | None:
    """The option an answer picks: a letter A to H, or yes or no (true and false count as such)."""
    del question
    letters = _LETTER.findall(text)
    if letters:
        return str(letters[-1]).lower()
    words = _YES_NO.findall(text)
    return _YES_NO_VALUES[words[-1].lower()] if words else None


def plain_text(text: str, question: str, earlier: str = "") -> str | None:
    """What an answer says, in lower case, without punctuation and articles.

    A sentence that repeats the question on one side of its `is` comes to the other side: `The
    capital of Japan is Tokyo.` and `Tokyo` are one position on the capital of Japan. Where the
    question itself names the alternatives (`… or …`), every word of the answer counts.

    Args:
        text: The answer.
        question: What it answers.
        earlier: What the user asked before: `And of Italy?` is answered in words of that, too.
    """
    words = _words(text)
    said = words if _ASKS_WHICH.search(question) else _beside_the_echo(words, question, earlier)
    kept = [word for word in said if word not in _FILLERS]
    return " ".join(kept or words) or None


def share_of_words(position: str, text: str) -> float:
    """How much of a position read by `plain_text` a text says: 0 to 1, the share of its words."""
    words, said = _words(position), set(_words(text))
    return sum(word in said for word in words) / len(words) if words else 1.0


READERS: dict[str, Reader] = {"number": number, "choice": choice, "text": plain_text}


def is_unknown(text: str) -> bool:
    """Whether an answer is that the expert does not know, and nothing besides."""
    match = _UNKNOWN.match(text)
    if match is None or len(text) > _UNKNOWN_CHARACTERS:
        return False
    return _TURN.search(text, match.end()) is None


def pick_reader(texts: Sequence[str], question: str) -> tuple[str, Reader]:
    """The reader for a whole panel: a number, then a choice, then plain text.

    One reader for all, or `42` and `forty-two` would be counted by different measures. It has to
    read more than half of the answers that claim to know. Where the question lists options or
    wants a yes or no, the choice is looked for first.
    """
    claims = [text for text in texts if not is_unknown(text)]
    closed: list[tuple[str, Reader]] = [("number", conclusive_number), ("choice", choice)]
    if _OPTIONS.search(question) or _ASKS_YES_NO.search(question):
        closed.reverse()
    for name, reader in closed:
        readable = sum(reader(text, question) is not None for text in claims)
        if readable * 2 > len(claims):
            return name, reader
    return "text", plain_text


def _picks_an_offer(text: str, question: str) -> bool:
    """Whether a question offers numbers, and an answer names one and says nothing of its own."""
    if not _OFFERS_NUMBERS.search(question) or len(ANY_NUMBER.findall(text)) != 1:
        return False
    repeated = _FILLERS.union(_COPULAS, _words(question)) - _COMPARING
    return repeated.issuperset(_words(text))


def _beside_the_echo(words: list[str], question: str, earlier: str) -> list[str]:
    place = next((i for i, word in enumerate(words) if word in _COPULAS), None)
    if place is None:
        return words
    left, right = words[:place], words[place + 1 :]
    known = _FILLERS.union(_words(question))
    # The question's own words first: an earlier question may name what answers this one.
    for repeated in (known, known.union(_words(earlier))):
        echoes = [all(word in repeated for word in side) for side in (left, right)]
        if echoes == [True, False]:
            return right
        if echoes == [False, True]:
            return left
    return words


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]
