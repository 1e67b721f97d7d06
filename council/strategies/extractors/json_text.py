"""Finding the JSON in an answer, and its normal form: pure functions over text and values."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

_FENCED = re.compile(r"^[ \t]*```[ \t]*(?:json\w*)?[ \t]*\n(.*?)^[ \t]*```", re.M | re.S | re.I)
_OPENING = re.compile(r"[{\[]")
_MEANT = re.compile(r"\{\s*\"|\[\s*[\"{\[\d]")  # how JSON begins, and hardly anything else
_MOST_STARTS = 1000
"""Brackets that may turn out to open no JSON before a text is given up."""

NOTHING = object()
"""What stands for no value at all: null is one."""


def last_json(text: str) -> Any:
    """The last object or array in a text, fenced ones before others; `NOTHING` if there is none.

    What stands inside brackets that hold no JSON themselves is a part of something that was cut
    or misspelt, and not the answer.
    """
    for block in reversed(_FENCED.findall(text)):
        if _OPENING.match(block.strip()):
            value, end = _decoded(block.strip(), 0)
            return value if not block.strip()[end:] else NOTHING
    return _last_of_many(text)


def json_of(text: str) -> Any:
    """The value that a whole text is, whatever its type, else `last_json`."""
    value, end = _decoded(text.strip(), 0)
    return last_json(text) if value is NOTHING or text.strip()[end:] else value


def at(value: Any, path: str) -> Any:
    """What a path of keys and places (`a.b`, `items.0`) leads to; `NOTHING` where it ends."""
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part, NOTHING)
        elif isinstance(value, list) and re.fullmatch(r"\d{1,6}", part):
            value = value[int(part)] if int(part) < len(value) else NOTHING
        else:
            return NOTHING
    return value


def canonical(value: Any) -> str:
    """The one way of writing a value: keys in order, no spaces, 1.0 as 1."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _last_of_many(text: str) -> Any:
    value, rest, place, failed = NOTHING, "", 0, 0
    for match in _OPENING.finditer(text):
        if match.start() < place:
            continue
        found, end = _decoded(text, match.start())
        failed += found is NOTHING
        if failed > _MOST_STARTS:
            return NOTHING
        if found is NOTHING and _MEANT.match(text, match.start()):
            value = NOTHING  # What came before was meant to be replaced.
        if found is not NOTHING:
            rest += text[place : match.start()]
            value, place = found, end
    return NOTHING if _is_inside(rest) else value


def _is_inside(before: str) -> bool:
    """Whether a bracket is still open after a text."""
    depth = {"}": 0, "]": 0}
    for character in before:
        if character in "{[":
            depth["}" if character == "{" else "]"] += 1
        elif character in depth:
            depth[character] = max(0, depth[character] - 1)
    return any(depth.values())


def _decoded(text: str, start: int) -> tuple[Any, int]:
    """The value that begins at a place, and where it ends."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return NOTHING, start
    return value, end


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number out of range")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key stands twice: which one is meant is unknown")
    return dict(pairs)


_DECODER = json.JSONDecoder(
    parse_constant=_constant, parse_float=_finite, object_pairs_hook=_object
)
