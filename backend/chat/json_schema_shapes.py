"""The rules of a grammar for the types of JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import ceil, floor
from typing import Any

from backend.chat.gbnf import MOST_REPEATS
from backend.chat.json_schema_numbers import INTEGER, NUMBER, integers, numbers
from backend.chat.json_schema_objects import ObjectParts, object_parts, one_after_other
from backend.chat.json_schema_strings import (
    CHARACTER,
    FORMATS,
    of_format,
    of_pattern,
    other_keys,
    written,
)
from backend.chat.json_schema_words import SchemaError, escaped

Visit = Callable[[Any, str, int], str]
"""The name of a rule for a schema; takes it, where it is, and how deep."""

_BLANK = '" "?'
_SPACE = '" "? | "\\n" ("  "{0,6} | "\\t"{1,4})'
"""Enough for what is indented by two blanks, six deep; more is a waste of tokens."""
_PLACE = re.compile(r"\{(key|k[0-9]+)\}")
_FORMAT_LENGTHS = (3, 1_000)
"""What is written for a format has no fewer and no more characters."""


class Shapes:
    """Rules of one grammar, each with a name of its own; the same text is written once."""

    def __init__(self, prefix: str, visit: Visit) -> None:
        """Takes what all names begin with, and how the parts of a schema become rules."""
        self._prefix = prefix
        self._visit = visit
        self._rules: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def text(self) -> str:
        """All rules."""
        return "".join(f"{name} ::= {text}\n" for name, text in self._rules.items())

    def reserve(self) -> str:
        """A name whose rule comes later."""
        name = f"{self._prefix}-{len(self._rules)}"
        self._rules[name] = ""
        return name

    def define(self, name: str, text: str) -> None:
        """Gives a reserved name its rule."""
        self._rules[name] = text

    def add(self, text: str) -> str:
        """The name of a rule with this text."""
        if text not in self._names:
            self._names[text] = name = self.reserve()
            self._rules[name] = text
        return self._names[text]

    def choice(self, options: list[str]) -> str:
        """One of some; each is a rule or a literal."""
        return self.add(" | ".join(dict.fromkeys(options)))

    @property
    def space(self) -> str:
        """White space where JSON may have some."""
        return self.add(_SPACE)

    @property
    def character(self) -> str:
        """One character of a string."""
        return self.add(CHARACTER)

    def any_string(self) -> str:
        """Any string."""
        return self.add(f'"\\"" {self.character}* "\\""')

    def anything(self) -> str:
        """Any value."""
        if "value" not in self._names:
            self._names["value"] = name = self.reserve()
            string = self.any_string()
            member = self.add(f'{string} ":" {_BLANK} {name}')
            parts = [string, self.add(NUMBER), '"true"', '"false"', '"null"']
            parts += [self._listing("{", member, "}", 0, None)]
            parts += [self._listing("[", name, "]", 0, None)]
            self.define(name, " | ".join(parts))
        return self._names["value"]

    def _listing(self, begin: str, item: str, end: str, least: int, most: int | None) -> str:
        """Items with commas between them, in brackets."""
        space = self.space
        if most == 0:
            return self.add(f'"{begin}" {space} "{end}"')
        more = "" if most is None else most - 1
        items = f'{item} ("," {space} {item}){{{max(0, least - 1)},{more}}} {space}'
        return self.add(f'"{begin}" {space} {items if least else f"({items})?"} "{end}"')

    def of(self, kind: str, schema: Mapping[str, Any], at: str, depth: int) -> str:
        """A value of this type, for the keywords that are about it."""
        match kind:
            case "null":
                return self.add('"null"')
            case "boolean":
                return self.add('"true" | "false"')
            case "string":
                return self._string(schema, at)
            case "array":
                return self._array(schema, at, depth)
            case "object":
                return self._object(schema, at, depth)
            case _:
                return self._number(kind, schema, at)

    def _number(self, kind: str, schema: Mapping[str, Any], at: str) -> str:
        whole = kind == "integer"
        low, above = _bound(schema, at, "minimum", "exclusiveMinimum", max, whole=whole)
        high, below = _bound(schema, at, "maximum", "exclusiveMaximum", min, whole=whole)
        if low is None and high is None:
            return self.add(INTEGER if whole else NUMBER)
        if whole:
            text = integers(
                None if low is None else low + above, None if high is None else high - below
            )
        else:
            text = numbers(low, high, above=above, below=below)
        if not text:
            raise SchemaError(at, "no number is within these bounds")
        return self.add(text)

    def _string(self, schema: Mapping[str, Any], at: str) -> str:
        least, most = _counts(schema, at, "minLength", "maxLength")
        name = schema.get("format")
        if name is not None and (not isinstance(name, str) or name not in FORMATS):
            known = ", ".join(FORMATS)
            raise SchemaError(f"{at}/format", f"it cannot be enforced; those that can are {known}")
        if "pattern" in schema:
            if name is not None or least or most is not None:
                raise SchemaError(
                    f"{at}/pattern", "it cannot be enforced beside a length or format"
                )
            return self._pattern(schema["pattern"], f"{at}/pattern")
        if name is not None:
            if least > _FORMAT_LENGTHS[0] or (most is not None and most < _FORMAT_LENGTHS[1]):
                raise SchemaError(f"{at}/format", "it cannot be enforced beside such a length")
            return self.add(of_format(name))
        if not least and most is None:
            return self.any_string()
        upper = "" if most is None else most
        return self.add(f'"\\"" {self.character}{{{least},{upper}}} "\\""')

    def _pattern(self, pattern: object, at: str) -> str:
        if not isinstance(pattern, str):
            raise SchemaError(at, "it needs to be a string")
        try:
            return self.add(of_pattern(pattern))
        except ValueError as error:
            raise SchemaError(at, f"{error}") from error

    def _array(self, schema: Mapping[str, Any], at: str, depth: int) -> str:
        if schema.get("uniqueItems"):
            raise SchemaError(f"{at}/uniqueItems", "it cannot be enforced")
        first, key, items = _items(schema, at)
        least, most = _counts(schema, at, "minItems", "maxItems")
        if items is False or (most is not None and most <= len(first)):
            most = len(first) if most is None else min(most, len(first))
            if least > most:
                raise SchemaError(f"{at}/minItems", "no array can have so many items")
            items = False
        further = None if items is False else self._visit(items, f"{at}/{key}", depth + 1)
        if not first or most == 0:
            return self._listing("[", further or '""', "]", least, most)
        place = "items" if isinstance(schema.get("items"), list) else "prefixItems"
        names = [
            self._visit(item, f"{at}/{place}/{number}", depth + 1)
            for number, item in enumerate(first[: len(first) if most is None else most])
        ]
        return self._tuple(names, further, least, most)

    def _tuple(self, names: list[str], further: str | None, least: int, most: int | None) -> str:
        """An array whose first items have schemas of their own."""
        space = self.space
        rest = ""
        if further is not None:
            upper = "" if most is None else most - len(names)
            rest = f'("," {space} {further}){{{max(0, least - len(names))},{upper}}}'
        for number, name in reversed(list(enumerate(names))):
            item = f'"," {space} {name} {rest}' if number else f"{name} {rest}"
            rest = self.add(item if number < least else f"({item})?")
        return self.add(f'"[" {space} {rest} {space} "]"')

    def _object(self, schema: Mapping[str, Any], at: str, depth: int) -> str:
        parts = object_parts(schema, at)
        if not parts.properties and parts.further is True:
            return self._listing(
                "{", self._member(self.any_string(), self.anything()), "}", 0, None
            )
        members = [
            (
                self._member(
                    written(name),
                    self._visit(value, f"{at}/properties/{escaped(name)}", depth + 1),
                ),
                name in parts.required,
            )
            for name, value in parts.properties.items()
        ]
        further = self._further(parts, at, depth)
        listed = one_after_other(members, further, f'"," {self.space}', self.add)
        return self.add(f'"{{" {self.space} {listed} {self.space} "}}"')

    def _member(self, key: str, value: str) -> str:
        return self.add(f'{key} ":" {_BLANK} {value}')

    def _further(self, parts: ObjectParts, at: str, depth: int) -> str | None:
        """A member that the schema does not name; None where there is none."""
        if parts.further is False:
            return None
        value = self._visit(parts.further, f"{at}/additionalProperties", depth + 1)
        return self._member(self._other_key(tuple(parts.properties)), value)

    def _other_key(self, names: tuple[str, ...]) -> str:
        rules = other_keys(names, self.character)
        numbers = {short: self.reserve() for short, _ in rules}
        for short, text in rules:
            self.define(numbers[short], _filled(text, numbers))
        return numbers["key"]


def _filled(text: str, names: Mapping[str, str]) -> str:
    """The text with the names of rules in their places."""
    return _PLACE.sub(lambda found: names[found[1]], text)


def _items(schema: Mapping[str, Any], at: str) -> tuple[list[Any], str, Any]:
    """The schemas of the first items, and for the others the keyword and its schema."""
    first, key = schema.get("prefixItems", []), "items"
    further = schema.get("items")
    if isinstance(further, list):
        first, key, further = further, "additionalItems", schema.get("additionalItems")
    if not isinstance(first, list):
        raise SchemaError(f"{at}/prefixItems", "it needs to be a list of schemas")
    if further is None:
        # Nothing is said of them: they are only written where there have to be some.
        further = not first or schema.get("minItems", 0) > len(first)
    return first, key, further


def _counts(schema: Mapping[str, Any], at: str, least: str, most: str) -> tuple[int, int | None]:
    for key in (least, most):
        value = schema.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 or value < 0:
            raise SchemaError(f"{at}/{key}", "it needs to be a whole number, 0 or more")
    low, high = int(schema.get(least, 0)), schema.get(most)
    if low > MOST_REPEATS:
        raise SchemaError(f"{at}/{least}", f"no more than {MOST_REPEATS} can be enforced")
    if high is not None and high < low:
        raise SchemaError(f"{at}/{most}", f"it is less than {least}")
    return low, None if high is None else min(int(high), MOST_REPEATS)


def _bound(
    schema: Mapping[str, Any],
    at: str,
    key: str,
    exclusive: str,
    tighter: Callable[..., tuple[Any, int]],
    *,
    whole: bool,
) -> tuple[int | None, bool]:
    """A bound of a number, and whether the bound itself is left out."""
    sign = 1 if tighter is max else -1
    found = []
    for name, outside in ((key, 0), (exclusive, 1)):
        value = schema.get(name)
        if value is None or value is False:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or value - value != 0:
            raise SchemaError(f"{at}/{name}", "it needs to be a number")
        if value != int(value):
            if not whole:
                raise SchemaError(f"{at}/{name}", "only whole numbers can be enforced as bounds")
            value, outside = (ceil(value) if sign > 0 else floor(value)), 0
        found.append((int(value), outside))
    if not found:
        return None, False
    value, outside = tighter(found, key=lambda bound: (bound[0], sign * bound[1]))
    return value, bool(outside)
