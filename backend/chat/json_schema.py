"""From JSON schemas to grammars: what a model writes under one is valid for the other.

The grammar has fewer documents than the schema: properties stand in the order in which the schema
has them, properties it does not name are only written where ``additionalProperties`` says so,
numbers have at most 16 digits, and white space is short. What it cannot enforce is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from backend.chat.gbnf import LONGEST, GrammarError, read_gbnf
from backend.chat.gbnf_analysis import endless
from backend.chat.json_schema_disjoint import disjoint
from backend.chat.json_schema_merge import Schema, merged
from backend.chat.json_schema_shapes import Shapes
from backend.chat.json_schema_strings import written
from backend.chat.json_schema_words import (
    ANNOTATIONS,
    ARRAY,
    MOST_VALUES,
    NUMBER,
    OBJECT,
    STRING,
    SchemaError,
    check_words,
    escaped,
)

__all__ = ["Rules", "SchemaError", "schema_rules", "to_gbnf"]

_DEEPEST, _MOST = 48, 4_000
"""Schemas in each other, and schemas altogether."""
_MOST_NODES = 50_000
"""Values in a schema, with those that allow and forbid nothing."""
_MOST_PARTS = {"allOf": 256, "oneOf": 100, "anyOf": _MOST}
_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
_IMPLIED = (("object", OBJECT), ("array", ARRAY), ("string", STRING), ("number", NUMBER))


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules of a grammar: their text, and the name of the one that is the whole document."""

    text: str
    root: str


def to_gbnf(schema: Schema | bool, *, name: str = "root") -> str:
    """A grammar of documents that are valid for a schema; ``name`` is its first rule.

    Raises:
        SchemaError: The schema cannot be enforced.
    """
    rules = schema_rules(schema, "json")
    return f"{name} ::= {rules.root}\n{rules.text}"


def schema_rules(schema: Schema | bool, prefix: str) -> Rules:
    """The rules of a grammar of documents that are valid for a schema.

    Args:
        schema: The schema.
        prefix: What all names of rules begin with: letters, digits and "-".

    Raises:
        SchemaError: The schema cannot be enforced.
    """
    _check_size(schema)
    writer = _Writer(schema, prefix)
    root = writer.visit(schema, "", 0)
    text = writer.shapes.text()
    _check(f"root ::= {root}\n{text}", writer)
    return Rules(text, root)


def _check_size(schema: object) -> None:
    ahead, nodes = [schema], 0
    while ahead:
        node = ahead.pop()
        parts = node.values() if isinstance(node, Mapping) else node
        if isinstance(parts, Iterable) and not isinstance(parts, str):
            ahead += parts
        if (nodes := nodes + 1) + len(ahead) > _MOST_NODES:
            raise SchemaError("", f"the schema is too large: more than {_MOST_NODES} values")


def _check(text: str, writer: _Writer) -> None:
    if len(text) > LONGEST - 20_000:
        raise SchemaError("", "the schema is too large")
    try:
        grammar = read_gbnf(text)
    except GrammarError as error:
        reason = f"its references lead in a circle, or it is too large ({error})"
        raise SchemaError("", reason) from error
    for rule in endless(list(grammar.rules.values())):
        where = writer.places.get(rule.name, "")
        raise SchemaError(where, "no document that is valid for this has an end")


class _Writer:
    """Walks through a schema and writes a rule for each part of it."""

    def __init__(self, schema: Schema | bool, prefix: str) -> None:
        self.shapes = Shapes(prefix, self.visit)
        self.places: dict[str, str] = {}
        self._document = schema
        self._references: dict[str, str] = {}
        self._visits = 0

    def visit(self, schema: Any, at: str, depth: int) -> str:
        """The name of a rule for what a schema allows."""
        self._visits += 1
        if depth > _DEEPEST or self._visits > _MOST:
            raise SchemaError(at, "the schema is too large, or too deep")
        try:
            name = self._rule(schema, at, depth)
        except SchemaError:
            raise
        except ValueError as error:
            raise SchemaError(at, str(error)) from error
        except (TypeError, AttributeError, KeyError, RecursionError) as error:
            raise SchemaError(at, "something in it has the wrong type, or is too deep") from error
        self.places.setdefault(name, at)
        return name

    def _rule(self, schema: Any, at: str, depth: int) -> str:
        if schema is True:
            return self.shapes.anything()
        if not isinstance(schema, Mapping):
            raise SchemaError(at, "nothing is allowed here, or it is no schema")
        check_words(dict(schema), at)
        rest = {key: value for key, value in schema.items() if key not in ANNOTATIONS}
        rest = {key: value for key, value in rest.items() if not key.startswith("x-")}
        if rest.pop("nullable", False) is True:
            return self.shapes.choice(['"null"', self.visit(rest, at, depth + 1)])
        if "$ref" in rest:
            return self._reference(rest, at, depth)
        if "allOf" in rest:
            return self._all(rest, at, depth)
        if "enum" in rest or "const" in rest:
            return self._values(rest, at)
        for key in ("anyOf", "oneOf"):
            if key in rest:
                return self._any(rest, key, at, depth)
        return self._typed(rest, at, depth)

    def _reference(self, schema: dict[str, Any], at: str, depth: int) -> str:
        if len(schema) > 1:
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            return self.visit(merged(schema_only(schema), rest, at, self._follow), at, depth + 1)
        pointer = schema["$ref"]
        found = self._follow(schema, at)
        if pointer not in self._references:
            # Known before its rule is written, which may refer to it.
            self._references[pointer] = name = self.shapes.reserve()
            self.places[name] = pointer.removeprefix("#")
            self.shapes.define(name, self.visit(found, pointer.removeprefix("#"), depth + 1))
        return self._references[pointer]

    def _follow(self, schema: Schema, at: str) -> Any:
        pointer = schema["$ref"]
        if not isinstance(pointer, str) or not (pointer == "#" or pointer.startswith("#/")):
            raise SchemaError(f"{at}/$ref", "only references into this schema ('#/…') are possible")
        found: Any = self._document
        for part in pointer.split("/")[1:]:
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(key)] if isinstance(found, list) else found[key]
            except (KeyError, IndexError, ValueError, TypeError) as error:
                raise SchemaError(f"{at}/$ref", f"there is no {pointer[:200]!r}") from error
        return found

    def _all(self, schema: dict[str, Any], at: str, depth: int) -> str:
        parts = _listed(schema, "allOf", at)
        whole: Schema = {key: value for key, value in schema.items() if key != "allOf"}
        for number, part in enumerate(parts):
            whole = merged(whole, part, f"{at}/allOf/{number}", self._follow)
        return self.visit(whole, at, depth + 1)

    def _any(self, schema: dict[str, Any], key: str, at: str, depth: int) -> str:
        parts = _listed(schema, key, at)
        rest = {name: value for name, value in schema.items() if name != key}
        if key == "oneOf" and not disjoint(parts, lambda part: self._opened(part, at)):
            raise SchemaError(
                f"{at}/oneOf",
                "its branches may overlap, which cannot be enforced; use anyOf, or give each "
                "object a required property with a value of its own",
            )
        options = []
        for number, part in enumerate(parts):
            place = f"{at}/{key}/{number}"
            chosen = merged(rest, part, place, self._follow) if rest else part
            options.append(self.visit(chosen, place, depth + 1))
        return self.shapes.choice(options)

    def _opened(self, part: Any, at: str) -> Schema:
        return merged({}, part, at, self._follow)

    def _values(self, schema: dict[str, Any], at: str) -> str:
        values = schema.get("enum", [schema.get("const")])
        if not isinstance(values, list) or len(values) > MOST_VALUES:
            raise SchemaError(f"{at}/enum", f"it needs to be a list of up to {MOST_VALUES} values")
        if other := schema.keys() - {"enum", "const", "type"}:
            raise SchemaError(f"{at}/{escaped(min(other))}", "it cannot be enforced beside values")
        if "const" in schema:
            values = [value for value in values if _same(value, schema["const"])]
        if "type" in schema:
            values = [value for value in values if _is_any(value, _types(schema, at))]
        if not values:
            raise SchemaError(at, "no value is allowed here")
        return self.shapes.choice([written(value) for value in values])

    def _typed(self, schema: dict[str, Any], at: str, depth: int) -> str:
        types = _types(schema, at)
        if not types:
            return self.shapes.anything()
        if "number" in types and "integer" in types:
            types.remove("integer")
        return self.shapes.choice([self.shapes.of(kind, schema, at, depth) for kind in types])


def schema_only(schema: Schema) -> Schema:
    """Nothing but the reference of a schema."""
    return {"$ref": schema["$ref"]}


def _types(schema: dict[str, Any], at: str) -> list[str]:
    """The types that are allowed; where none is named, the one that the keywords are about."""
    if "type" not in schema:
        return [kind for kind, words in _IMPLIED if words & schema.keys()][:1]
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if not isinstance(types, list) or not types or not all(kind in _TYPES for kind in types):
        raise SchemaError(f"{at}/type", f"a type, or a list of some, is one of {', '.join(_TYPES)}")
    return list(dict.fromkeys(types))


def _listed(schema: dict[str, Any], key: str, at: str) -> list[Any]:
    parts = schema[key]
    most = _MOST_PARTS[key]
    if not isinstance(parts, list) or not 0 < len(parts) <= most:
        raise SchemaError(f"{at}/{key}", f"it needs to be a list of schemas, up to {most}")
    return parts


def _same(first: object, second: object) -> bool:
    """Equal as JSON, in which 1 and true differ."""
    return first == second and isinstance(first, bool) == isinstance(second, bool)


def _is_any(value: object, types: list[str]) -> bool:
    return any(_is(value, kind) for kind in types)


def _is(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    kinds: dict[str, type | tuple[type, ...]] = {
        "null": type(None),
        "number": (int, float),
        "string": str,
        "array": list,
        "object": dict,
    }
    return kind in kinds and isinstance(value, kinds[kind])
