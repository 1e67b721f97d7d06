"""Reading the position that an answer takes: pure functions from text to a normalised value."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation

UNKNOWN = "unknown"
"""The position of whoever says not to know: a position like others, that loses ties."""

Reader = Callable[[str, str], str | None]
"""From an answer and the question to the position, None where the answer holds none."""

_NUMBER = r"(?<![\w.])[-+−]?(?:[$€£]\s?)?\d(?:[\d,]*\d)?(?:\.\d+)?"
_BOXED = re.compile(r"\\boxed\{([^{}]*)\}")
_MARKED = re.compile(rf"(?:####|\banswer\b\s*(?:is|:|=)|=)\W{{0,6}}?({_NUMBER})", re.IGNORECASE)
_ANY_NUMBER = re.compile(_NUMBER)
_AFTER_CONCLUSION = re.compile(r"[^\w]*(?:[^\W\d]{1,14}[^\w]*)?")
_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|old|far|long|tall|high|often|fast)\b|\bwhat number\b|\d\s*[-+*/x×÷^=]\s*\d"
    r"|\b(?:calculate|compute|sum|difference|product|add|subtract|multiply|divide|solve)\b"
    r"|\b(?:plus|minus|times|divided by|percent)\b",
    re.IGNORECASE,
)

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
_UNKNOWN_CHARACTERS = 120

_WORD = re.compile(r"\w+(?:['’.]\w+)*")
_FILLERS = frozenset(
    ("a", "an", "the", "is", "are", "was", "it", "its", "of", "to", "in", "that", "this", "so")
)


def number(text: str, question: str) -> str | None:
    """The number an answer comes to: boxed, after `answer is` or `=`, else the last one."""
    del question
    for found in (_BOXED.findall(text), _MARKED.findall(text), _ANY_NUMBER.findall(text)):
        for candidate in reversed(found):
            value = _plain_number(candidate)
            if value is not None:
                return value
    return None


def conclusive_number(text: str, question: str) -> str | None:
    """The number an answer comes to, unless it only mentions one in passing.

    `Tokyo, with 37 million people` is no number; `it takes 5 hours.` is one, and so is any
    number where the question asks for one.
    """
    if _ASKS_NUMBER.search(question) or _BOXED.search(text) or _MARKED.search(text):
        return number(text, question)
    found = list(_ANY_NUMBER.finditer(text))
    if found and _AFTER_CONCLUSION.fullmatch(text[found[-1].end() :]):
        return _plain_number(found[-1].group())
    return None


def choice(text: str, question: str) -> str | None:
    """The option an answer picks: a letter A to H, or yes or no (true and false count as such)."""
    del question
    letters = _LETTER.findall(text)
    if letters:
        return str(letters[-1]).lower()
    words = _YES_NO.findall(text)
    return _YES_NO_VALUES[words[-1].lower()] if words else None


def plain_text(text: str, question: str) -> str | None:
    """What an answer says beyond the question's own words, in lower case without punctuation.

    `The capital of Japan is Tokyo.` and `Tokyo` are one position on the capital of Japan.
    """
    words = _words(text)
    repeated = _FILLERS.union(_words(question))
    kept = [word for word in words if word not in repeated]
    return " ".join(kept or words) or None


READERS: dict[str, Reader] = {"number": number, "choice": choice, "text": plain_text}


def is_unknown(text: str) -> bool:
    """Whether an answer is that the expert does not know."""
    return len(text) <= _UNKNOWN_CHARACTERS and _UNKNOWN.match(text) is not None


def pick_reader(texts: Sequence[str], question: str) -> tuple[str, Reader]:
    """The reader for a whole panel: a number, then a choice, then plain text.

    One reader for all, or `42` and `forty-two` would be counted by different measures. It has to
    read more than half of the answers that claim to know. Where the question lists options, the
    choice is looked for first.
    """
    claims = [text for text in texts if not is_unknown(text)]
    closed: list[tuple[str, Reader]] = [("number", conclusive_number), ("choice", choice)]
    if _OPTIONS.search(question):
        closed.reverse()
    for name, reader in closed:
        readable = sum(reader(text, question) is not None for text in claims)
        if readable * 2 > len(claims):
            return name, reader
    return "text", plain_text


def _plain_number(text: str) -> str | None:
    digits = re.sub(r"[^\d.+-]", "", text.replace("−", "-"))
    try:
        value = Decimal(digits)
    except InvalidOperation:
        return None
    plain = format(value, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "+0") else plain.lstrip("+")


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]
