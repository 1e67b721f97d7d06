"""Whether a document can be valid for two JSON schemas at the same time."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Open = Callable[[Any], Mapping[str, Any]]
"""A schema without a reference at its top."""


def disjoint(schemas: Sequence[Any], opened: Open) -> bool:
    """Whether no document is valid for two of them; False where that is not plain to see."""
    pairs = itertools.combinations([opened(schema) for schema in schemas], 2)
    return all(_apart(*pair, opened, 0) for pair in pairs)


def _apart(first: Any, second: Any, opened: Open, depth: int) -> bool:
    if depth > 4:
        return False
    first, second = opened(first), opened(second)
    kinds, others = _kinds(first), _kinds(second)
    if kinds is not None and others is not None and not kinds & others:
        return True
    values, rest = _values(first), _values(second)
    if values is not None and rest is not None:
        return not values & rest
    shared = _required(first) & _required(second)
    objects = kinds == others == {"object"}
    return objects and any(
        _apart(first["properties"][name], second["properties"][name], opened, depth + 1)
        for name in shared
    )


def _kinds(schema: Mapping[str, Any]) -> set[str] | None:
    """The types a document can have; None for any."""
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(values, list):
        return {_kind(value) for value in values}
    types = schema.get("type")
    if types is None:
        return None
    found = {types} if isinstance(types, str) else set(types)
    found = {"number" if kind == "integer" else kind for kind in found}
    return found | ({"null"} if schema.get("nullable") is True else set())


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    kinds = ((str, "string"), (list, "array"), (dict, "object"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")


def _values(schema: Mapping[str, Any]) -> set[str] | None:
    """The values a document can have, as JSON; None for any."""
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if not isinstance(values, list):
        return None
    return {json.dumps(_plain(value), sort_keys=True) for value in values}


def _plain(value: object) -> object:
    """1.0 is 1 in JSON."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _required(schema: Mapping[str, Any]) -> set[str]:
    """Properties that each document has, and of which something is known."""
    known = schema.get("properties")
    if not isinstance(known, Mapping):
        return set()
    return {name for name in schema.get("required", []) if name in known}
