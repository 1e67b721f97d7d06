"""Reading what a reviewer or a judge decided: pure functions from its text to answers' numbers.

A decision stands after its marker (`FINAL RANKING:`, `BEST:`, `SCORES:`), and the last marker
counts, since a text may quote another before it comes to its own. What is ambiguous is not read:
an abstention is told, a misread ballot is not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

Places = tuple[tuple[int, ...], ...]
"""Numbers of answers, the best first; those in one group are tied."""

_FINAL = re.compile(r"\bfinal[ \t]+ranking\b[^\w\n]*(?=[:\n=])[:=]?", re.IGNORECASE)
_RANKING = re.compile(r"\branking\b[^\w\n]*:", re.IGNORECASE)
_BEST = re.compile(r"\bbest(?:[ \t]+answer)?\b[^\w\n]*[:=]", re.IGNORECASE)
_SCORES = re.compile(r"\bscores?\b[^\w\n]*[:=]", re.IGNORECASE)

# `2`, `Answer 2`, `**[2]**`, `#2`
_NAME = r"[\s*_`\"'(\[#]*(?:(?:answer|option|response|number|no\.?)[\s*_`#(\[]*)?"
_END = r"(?![\d.]\d)[*_`\"')\]]*"
_LABEL = re.compile(rf"{_NAME}(\d{{1,3}}){_END}", re.IGNORECASE)
_SEPARATOR = re.compile(r"\s*([>≻=~,])\s*")
_ITEM = re.compile(r"\s*(?:\d{1,3}[.):]|[-*•])\s+(?=\S)")
_TIE = re.compile(r"[\W_]*(?:tie|tied|equal|neither|both|none|draw)\b", re.IGNORECASE)
_ASIDE = re.compile(r"\([^()\d\n]*\)")
_SCORE = re.compile(
    rf"{_NAME}(\d{{1,3}})[*_`\"')\]]*\s*[:=]\s*[*_`]*(\d{{1,2}}(?:\.\d{{1,3}})?)"
    r"(?:\s*/\s*10)?(?![\d.]*\d)",
    re.IGNORECASE,
)
_MOST = 10.0
# What a decision may take, so that no reply is costly to read.
_DECISION = 4_000


def read_ranking(text: str, answers: int) -> Places | None:
    """The ranking a ballot comes to, None if it cannot be read.

    Reads a chain (`2 > 1 = 3`), a list of JSON (`[2, [1, 3]]`), a list of lines (`1. Answer 2`)
    and numbers with commas. Answers left out share the last place.

    Args:
        text: The reviewer's reply.
        answers: How many answers it saw, numbered from 1.
    """
    tail = _after_last(_FINAL, text)
    if tail is None:
        tail = _after_last(_RANKING, text)
    if tail is None:
        tail = _unmarked(text)
    tail = _ASIDE.sub("", tail)
    groups = _json_groups(tail)
    if groups is None:
        groups = _list_groups(tail) or _chain_groups(_first_line(tail))
    return _complete(groups, answers) if groups else None


def read_best(text: str, answers: int) -> int | None:
    """The number of the answer called best, 0 for none better than the other; None if unreadable.

    Args:
        text: The judge's reply.
        answers: How many answers it saw, numbered from 1.
    """
    marked = _after_last(_BEST, text)
    line = _first_line(text.strip() if marked is None else marked)
    if _TIE.match(line):
        return 0
    match = _LABEL.match(line)
    if match is None or not 1 <= int(match[1]) <= answers:
        return None
    rest = line[match.end() :].lstrip()
    if marked is None and rest.strip(".! \n"):
        return None  # a text that begins with a number need not be about an answer
    # Two of them are no choice.
    return None if re.match(r"(?:[,=/&+>]|and\b|or\b)\W*(?:answer\W*)?\d", rest) else int(match[1])


def read_scores(text: str, answers: int) -> tuple[float, ...] | None:
    """The score of each answer, 0 to 10; None unless every answer has exactly one.

    Args:
        text: The judge's reply.
        answers: How many answers it saw, numbered from 1.
    """
    tail = _after_last(_SCORES, text)
    if tail is None:
        return None
    found: dict[int, float] = {}
    for number, score in _SCORE.findall(tail):
        if int(number) in found or float(score) > _MOST:
            return None
        found[int(number)] = float(score)
    if sorted(found) != list(range(1, answers + 1)):
        return None
    return tuple(found[number] for number in range(1, answers + 1))


def by_score(scores: Sequence[float]) -> Places:
    """Scores of the answers 1, 2, … as a ranking."""
    return tuple(
        tuple(number for number, score in enumerate(scores, start=1) if score == each)
        for each in sorted(set(scores), reverse=True)
    )


def best_first(best: int, answers: int) -> Places:
    """A ranking with one answer before all others, which are tied; with 0 all are."""
    others = tuple(number for number in range(1, answers + 1) if number != best)
    return ((best,), others) if best and others else ((best,),) if best else (others,)


def _after_last(marker: re.Pattern[str], text: str) -> str | None:
    ends = [match.end() for match in marker.finditer(text)]
    return text[ends[-1] :][:_DECISION] if ends else None


def _unmarked(text: str) -> str:
    """What may be a ranking in a text without a marker: JSON, or a chain in its last line."""
    text = text.strip()
    if text.startswith(("[", "{", "```")):
        return text
    last = text.splitlines()[-1] if text else ""
    return last if ">" in last else ""


def _first_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip(" \t*_`:#")]
    return lines[0] if lines else ""


def _json_groups(text: str) -> list[list[int]] | None:
    """The groups in a list of JSON, none if it holds anything else; None without JSON."""
    start = re.match(r"[\s*_:]*(?:```(?:json)?)?\s*(?=[\[{])", text)
    if start is None:
        return None
    try:
        value, end = json.JSONDecoder().raw_decode(text, start.end())
    except (ValueError, RecursionError):
        return None
    if _SEPARATOR.match(text, end):
        return None  # `[2] > [1]` is a chain
    if isinstance(value, dict):
        value = next((each for each in value.values() if isinstance(each, list)), None)
    groups = [_json_numbers(each) for each in value] if isinstance(value, list) else []
    return groups if all(groups) else []


def _json_numbers(value: object) -> list[int]:
    """The numbers of one place; empty where it holds anything else."""
    members = value if isinstance(value, list) else [value]
    numbers = []
    for member in members:
        match = _LABEL.fullmatch(str(member).strip())
        if match is None or isinstance(member, bool) or not isinstance(member, int | str):
            return []
        numbers.append(int(match[1]))
    return numbers


def _list_groups(text: str) -> list[list[int]] | None:
    """A list of lines, each with the answer of its place first."""
    groups: list[list[int]] = []
    for line in text.strip(" \t*_`:\n").splitlines():
        item = _ITEM.match(line)
        if item is None:
            if line.strip() and groups:
                break
            if line.strip():
                return None
            continue
        chain = _prefix(line[item.end() :])
        if not chain or any(separator not in ("", "=") for separator, _ in chain):
            return None
        groups.append([number for _, number in chain])
    return groups if len(groups) > 1 else None


def _chain_groups(line: str) -> list[list[int]] | None:
    """`2 > 1 = 3`, or `2, 1, 3` and nothing else."""
    chain = _prefix(line)
    separators = {separator for separator, _ in chain[1:]}
    if not chain or ("," in separators and separators != {","}):
        return None
    if not separators & {">", "="} and _rest(line).strip(" .*_`"):
        return None
    groups: list[list[int]] = []
    for separator, number in chain:
        if separator == "=":
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


_ALIKE = {"≻": ">", "~": "="}


def _prefix(line: str) -> list[tuple[str, int]]:
    """The labels a line begins with, each with the separator before it; none if it goes on."""
    chain, position, separator = [], 0, ""
    while match := _LABEL.match(line, position):
        chain.append((separator, int(match[1])))
        position = match.end()
        between = _SEPARATOR.match(line, position)
        if between is None:
            return chain
        separator = _ALIKE.get(between[1], between[1])
        position = between.end()
    # A chain that breaks off after a separator was meant to go on: only a comma may be prose.
    return chain if separator == "," else []


def _rest(line: str) -> str:
    """What follows the labels a line begins with."""
    position = 0
    while match := _LABEL.match(line, position):
        position = match.end()
        between = _SEPARATOR.match(line, position)
        if between is None:
            break
        position = between.end()
    return line[position:]


def _complete(groups: Sequence[Sequence[int]], answers: int) -> Places | None:
    """The ranking of all answers; None where one is named twice, or is not there."""
    named = [number for group in groups for number in group]
    if len(set(named)) != len(named) or not all(1 <= number <= answers for number in named):
        return None
    missing = tuple(number for number in range(1, answers + 1) if number not in named)
    return (*(tuple(group) for group in groups), *((missing,) if missing else ()))
