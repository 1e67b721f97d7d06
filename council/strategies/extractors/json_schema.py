"""Whether a value fits a JSON schema: the library is loaded when a panel has a schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from council.strategies.extractors.json_text import canonical
from council.strategies.extractors.patterns import compiled, matches

if TYPE_CHECKING:
    from jsonschema.protocols import Validator
    from referencing._core import Resolver

_SAME_VALUE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raises ValueError unless values can be checked against the schema."""
    from jsonschema.exceptions import SchemaError

    try:
        validator = _validator(canonical(schema))
        validator.check_schema(dict(schema))
    except SchemaError as error:
        raise ValueError(f"not a JSON schema: {error.json_path}: {error.message}") from None
    except TypeError as error:
        raise ValueError(f"not a JSON schema: {error}") from None
    resolver = _resolver(schema)
    for key, value in _keywords(schema):
        if key == "$ref" and isinstance(value, str):
            _check_reference(value, resolver)
        if key == "pattern" and isinstance(value, str):
            compiled(value)
        if key == "patternProperties":
            raise ValueError("patternProperties is not supported: name the properties")


def _check_reference(reference: str, resolver: Resolver[Any]) -> None:
    from referencing.exceptions import Unresolvable

    try:
        _follow(reference, resolver, ())
    except Unresolvable:
        way_out = "put what it means into $defs and write '#/$defs/…'"
        raise ValueError(f"$ref {reference!r} leads to nothing in the schema: {way_out}") from None


def _resolver(schema: Mapping[str, Any]) -> Resolver[Any]:
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012

    root = Resource.from_contents(dict(schema), default_specification=DRAFT202012)
    return Registry[Any]().resolver_with_root(root)


def _follow(reference: str, resolver: Resolver[Any], way: tuple[int, ...]) -> None:
    """Raises ValueError where a reference leads back to itself without going into the value."""
    found = resolver.lookup(reference)
    # Each schema of a document is one object, however often it is referred to.
    if id(found.contents) in way:
        raise ValueError(
            f"not a usable schema: $ref {reference!r} leads back to itself, and says nothing of"
            " any value"
        )
    for following in _references_to_the_same_value(found.contents):
        _follow(following, found.resolver, (*way, id(found.contents)))


def _references_to_the_same_value(schema: Any) -> Iterator[str]:
    """Where a schema refers to for the very value that it is about, and not for a part of it."""
    if not isinstance(schema, Mapping):
        return
    if isinstance(schema.get("$ref"), str):
        yield schema["$ref"]
    for key in _SAME_VALUE:
        inner = schema.get(key)
        for one in inner if isinstance(inner, list) else [inner]:
            yield from _references_to_the_same_value(one)


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a value is valid; a value nested too deep to say is not."""
    try:
        return _validator(canonical(schema)).is_valid(value)
    except RecursionError:
        return False


def faults(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """What is wrong with a value by a schema, with its place; empty where it is valid."""
    try:
        errors = sorted(_validator(canonical(schema)).iter_errors(value), key=lambda e: e.json_path)
    except RecursionError:
        return ["it is nested too deep"]
    return [f"{error.json_path.removeprefix('$.')}: {error.message}" for error in errors]


@lru_cache(maxsize=32)  # the same for each answer of each run
def _validator(schema_text: str) -> Validator:
    import json

    import jsonschema
    from referencing import Registry

    schema = json.loads(schema_text)
    kind = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
    extended: type[Validator] = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
        kind, {"pattern": _pattern}
    )
    # An own registry: the default one would fetch what a `$ref` names.
    return extended(schema, registry=Registry())


def _pattern(
    validator: Validator, pattern: str, value: Any, schema: Mapping[str, Any]
) -> Iterator[Exception]:
    """The keyword `pattern`, given up where it takes too long: models wrote the value."""
    from jsonschema.exceptions import ValidationError

    if validator.is_type(value, "string") and not matches(pattern, value):
        yield ValidationError("does not match")


def _keywords(schema: Any) -> Iterator[tuple[str, Any]]:
    """Every key in a schema with its value, at any depth."""
    if isinstance(schema, Mapping):
        yield from schema.items()
        for value in schema.values():
            yield from _keywords(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _keywords(value)
