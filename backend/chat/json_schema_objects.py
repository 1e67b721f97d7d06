"""The members of JSON objects in a grammar."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.chat.json_schema_words import SchemaError


@dataclass(frozen=True, slots=True)
class ObjectParts:
    """What a schema says of an object.

    Attributes:
        properties: Schemas of the members it names, in their order.
        required: Those that have to be there.
        further: Schema of all other members; False for none.
    """

    properties: Mapping[str, Any]
    required: frozenset[str]
    further: Any


def object_parts(schema: Mapping[str, Any], at: str) -> ObjectParts:
    """Reads what a schema says of an object.

    Raises:
        SchemaError: Something in it cannot be enforced.
    """
    properties = schema.get("properties", {})
    required = schema.get("required", [])
    if not isinstance(properties, Mapping):
        raise SchemaError(f"{at}/properties", "it needs to be an object of schemas")
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise SchemaError(f"{at}/required", "it needs to be a list of names")
    further = schema.get("additionalProperties", not properties and not required)
    if schema.get("unevaluatedProperties", False) is not False:
        raise SchemaError(f"{at}/unevaluatedProperties", "only false can be enforced")
    if "unevaluatedProperties" in schema and "additionalProperties" not in schema:
        further = False
    properties = {**properties, **_unnamed(schema, properties, required, at)}
    _check_counts(schema, properties, required, further, at)
    return ObjectParts(properties, frozenset(required), further)


def _unnamed(
    schema: Mapping[str, Any], properties: Mapping[str, Any], required: list[str], at: str
) -> dict[str, Any]:
    """Members that have to be there although there is no schema of them."""
    names = [name for name in required if name not in properties]
    if names and schema.get("additionalProperties") is False:
        raise SchemaError(f"{at}/required", f"{names[0][:60]!r} is no property that is allowed")
    return dict.fromkeys(names, schema.get("additionalProperties", True))


def _check_counts(
    schema: Mapping[str, Any],
    properties: Mapping[str, Any],
    required: list[str],
    further: object,
    at: str,
) -> None:
    if schema.get("minProperties", 0) > len(set(required)):
        raise SchemaError(f"{at}/minProperties", "it cannot be enforced; name what is required")
    most = schema.get("maxProperties")
    if most is not None and (further is not False or most < len(properties)):
        raise SchemaError(f"{at}/maxProperties", "it cannot be enforced")


def one_after_other(
    members: Sequence[tuple[str, bool]], further: str | None, comma: str, add: Callable[[str], str]
) -> str:
    """All members in their order, with commas between those that are there.

    Args:
        members: The rule of each, and whether it has to be there.
        further: The rule of any other member, of which there can be any number at the end.
        comma: What stands between two.
        add: Gives a rule's text a name.
    """
    # What can come after a member, and what can come where there is none yet.
    after = add(f"({comma} {further})*") if further else '""'
    first = add(f"({further} {after})?") if further else '""'
    for member, needed in reversed(members):
        here = f"{member} {after}"
        first = add(here if needed else f"{here} | {first}")
        after = add(f"{comma} {here}" if needed else f"({comma} {member})? {after}")
    return first
