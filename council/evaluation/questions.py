"""Question files: JSON Lines, each a question with its right answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, cast, get_args

from council.config.hints import nearest
from council.errors import ConfigError
from council.strategies.extractors.choice import ChoiceExtractor, pick
from council.strategies.extractors.patterns import compiled
from council.strategies.numbers import ANY_NUMBER, find_number
from council.strategies.positions import choice, plain_text

Kind = Literal["number", "choice", "text", "exact", "regex"]
"""How an answer is compared with the right one; see `scoring.py`."""

KINDS: tuple[str, ...] = get_args(Kind)

_KEYS = ("id", "question", "answer", "kind", "choices", "field")
_NEEDED = ("id", "question", "answer")
_MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a file.

    Attributes:
        id: Unique within the file.
        question: What is asked.
        answer: The right answer; for `regex` the expression that a right answer matches.
        kind: How answers are compared with it.
        choices: For `choice`: the options; empty for a letter A to H, or yes or no.
        field: What it is about, for a table by fields; may be empty.
    """

    id: str
    question: str
    answer: str
    kind: Kind
    choices: tuple[str, ...] = ()
    field: str = ""


def read_questions(path: Path) -> list[Question]:
    """Reads a question file.

    Raises:
        ConfigError: It cannot be read, or lines of it are no questions; each is named with its
            number.
    """
    questions: list[Question] = []
    mistakes: list[str] = []
    lines: dict[str, int] = {}
    for number, line in _lines(path):
        try:
            question = parse_question(line)
            if question.id in lines:
                raise ValueError(f"id: {question.id!r} stands in line {lines[question.id]} too")
        except ValueError as error:
            mistakes.append(f"{path}:{number}: {error}")
            continue
        lines[question.id] = number
        questions.append(question)
    if mistakes:
        raise ConfigError("\n".join(_first(mistakes)))
    if not questions:
        raise ConfigError(f"{path}: no questions: expected a line of JSON for each one")
    return questions


def parse_question(line: str) -> Question:
    """Reads one line.

    Raises:
        ValueError: It is no question; the message names the key and the way out.
    """
    values = _values(line)
    for key in values:
        if key not in _KEYS:
            raise ValueError(f"unknown key {key!r}{nearest(key, list(_KEYS))}")
    texts = {key: _text(values, key) for key in _NEEDED}
    choices = _choices(values)
    kind = _kind(values, texts["answer"], choices)
    if choices and kind != "choice":
        raise ValueError(f"choices: they belong to kind choice, and the kind is {kind}")
    field = _text(values, "field") if "field" in values else ""
    question = Question(**texts, kind=kind, choices=choices, field=field)
    _check_answer(question)
    return question


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers from 1."""
    try:
        content = path.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text") from error
    # Not splitlines: a line separator of Unicode may stand in a string of JSON.
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            yield number, line


def _first(mistakes: list[str]) -> list[str]:
    more = len(mistakes) - _MOST_TOLD
    return mistakes if more <= 0 else [*mistakes[:_MOST_TOLD], f"… and {more} more like these"]


def _values(line: str) -> Mapping[str, Any]:
    """The object that a line holds; numbers stay as they are written."""
    try:
        values = json.loads(line, parse_int=str, parse_float=str, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} (column {error.colno})") from None
    except RecursionError:
        raise ValueError("not JSON that can be read: too many brackets in brackets") from None
    if not isinstance(values, dict):
        raise ValueError('expected an object: {"id": …, "question": …, "answer": …}')
    return values


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"not JSON: {name} is no number there; write it in quotes")


def _text(values: Mapping[str, Any], key: str) -> str:
    """A key's text, with at least one character that shows."""
    if key not in values:
        raise ValueError(f"{key}: missing; a question needs {', '.join(_NEEDED)}")
    value = values[key]
    if not isinstance(value, str):
        raise ValueError(f"{key}: expected text or a number, found {json.dumps(value)[:40]}")
    if not value.strip():
        raise ValueError(f"{key}: expected text that is not empty")
    return value


def _choices(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The options, checked as those of a panel file are."""
    options = values.get("choices")
    if options is None:
        return ()
    if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
        raise ValueError('choices: expected a list of texts: ["red", "blue"]')
    try:
        ChoiceExtractor(choices=options)
    except ValueError:
        raise ValueError("choices: expected at least two texts that differ beyond case") from None
    return tuple(options)


def _kind(values: Mapping[str, Any], answer: str, choices: tuple[str, ...]) -> Kind:
    kind = values.get("kind") or _likely_kind(answer, choices)
    if kind not in KINDS:
        hint = nearest(str(kind), list(KINDS))
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}, found {kind!r}{hint}")
    return cast(Kind, kind)


def _likely_kind(answer: str, choices: tuple[str, ...]) -> Kind:
    """The kind of a question that names none."""
    if choices:
        return "choice"
    if ANY_NUMBER.fullmatch(answer.strip()) and find_number(answer):
        return "number"
    return "choice" if len(answer.split()) == 1 and choice(answer, "") else "text"


def _check_answer(question: Question) -> None:
    """Raises ValueError for an answer that no reply could be compared with."""
    if question.kind == "regex":
        try:
            compiled(question.answer)
        except ValueError as error:
            raise ValueError(f"answer: {error}") from None
        return
    readers: dict[str, tuple[Callable[[], str | None], str]] = {
        "number": (lambda: find_number(question.answer), "a number; or set another `kind`"),
        "choice": (lambda: _option(question), _options_wanted(question)),
        "text": (lambda: plain_text(question.answer, ""), "words; or set `kind` to exact"),
        "exact": (lambda: question.answer, "text"),
    }
    read, wanted = readers[question.kind]
    if read() is None:
        raise ValueError(f"answer: expected {wanted}, found {question.answer[:40]!r}")


def _option(question: Question) -> str | None:
    if question.choices:
        return pick(question.answer, list(question.choices))
    return choice(question.answer, "")


def _options_wanted(question: Question) -> str:
    if question.choices:
        return f"one of `choices` ({', '.join(question.choices)})"
    return "a letter A to H, or yes or no; or list the options in `choices`"
