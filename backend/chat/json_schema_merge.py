"""Two JSON schemas as one: what both of them allow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from backend.chat.json_schema_words import ANNOTATIONS, MOST_VALUES, SchemaError

Schema = Mapping[str, Any]
Follow = Callable[[Schema, str], Schema]
"""Puts what ``$ref`` names in its place; takes the schema and where it is."""

_LARGER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_SMALLER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_MOST_REFERENCES = 64


def merged(first: Schema, second: Schema, at: str, follow: Follow) -> Schema:
    """What both schemas allow.

    Args:
        first: One of them.
        second: The other one.
        at: Where they are, for errors.
        follow: Resolves a reference.

    Raises:
        SchemaError: That cannot be told in one schema.
    """
    first, second = _open(first, at, follow), _open(second, at, follow)
    both = {**first, **second}
    for key in first.keys() & second.keys() - ANNOTATIONS:
        if first[key] != second[key]:
            both[key] = _joined(key, first[key], second[key], at)
    _check_closed(first, second, at)
    _check_closed(second, first, at)
    return both


def _open(schema: object, at: str, follow: Follow) -> Schema:
    """A schema without a reference at its top."""
    for _ in range(_MOST_REFERENCES):
        if schema is True:
            return {}
        if not isinstance(schema, Mapping):
            raise SchemaError(at, "nothing is allowed here, or it is no schema")
        if "$ref" not in schema:
            return schema
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        found = follow(schema, at)
        schema = found if not rest.keys() - ANNOTATIONS else {**_both(found, rest)}
    raise SchemaError(at, "its references lead in a circle")


def _both(found: object, rest: Schema) -> Schema:
    return {"allOf": [found, rest]}


def _joined(key: str, first: Any, second: Any, at: str) -> Any:
    """One keyword with two values."""
    if key == "allOf":
        return [*first, *second]
    if key == "required" and isinstance(first, list) and isinstance(second, list):
        return list(dict.fromkeys([*first, *second]))
    if key == "properties" and isinstance(first, Mapping) and isinstance(second, Mapping):
        return {**first, **second, **_shared(first, second)}
    if key in _LARGER + _SMALLER and _number(first) and _number(second):
        return max(first, second) if key in _LARGER else min(first, second)
    if key == "type":
        return _types(first, second, at)
    if key == "enum":
        if max(len(first), len(second)) > MOST_VALUES:
            raise SchemaError(f"{at}/enum", f"it needs to be a list of up to {MOST_VALUES} values")
        return [value for value in first if value in second]
    if key in ("items", "additionalProperties"):
        return False if False in (first, second) else {"allOf": [first, second]}
    raise SchemaError(f"{at}/{key}", "it is there twice, and both cannot be enforced together")


def _shared(first: Schema, second: Schema) -> dict[str, Any]:
    return {
        name: {"allOf": [first[name], second[name]]}
        for name in first.keys() & second.keys()
        if first[name] != second[name]
    }


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _types(first: Any, second: Any, at: str) -> list[str]:
    one, other = ([types] if isinstance(types, str) else list(types) for types in (first, second))
    found = [name for name in one if name in other or (name == "integer" and "number" in other)]
    found += [name for name in other if name == "integer" and "number" in one and name not in found]
    if not found:
        raise SchemaError(f"{at}/type", "no type is allowed by all schemas that apply here")
    return found


def _check_closed(first: Schema, second: Schema, at: str) -> None:
    """A schema for further properties applies to those that only the other schema knows."""
    further = first.get("additionalProperties", True)
    names = second.get("properties", {}).keys() - first.get("properties", {}).keys()
    if further is not True and names:
        raise SchemaError(
            f"{at}/additionalProperties",
            f"it applies to {min(names)[:60]!r} of another schema, which cannot be enforced",
        )
