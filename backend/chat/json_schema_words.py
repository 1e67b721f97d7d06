"""The keywords of JSON schemas, and what is said of those that cannot be enforced."""

from __future__ import annotations

ANNOTATIONS = frozenset(
    {
        *("title", "description", "default", "examples", "example", "deprecated", "readOnly"),
        *("writeOnly", "$comment", "$schema", "$id", "$defs", "definitions", "contentMediaType"),
        *("contentEncoding", "contentSchema", "discriminator", "externalDocs", "xml", "$anchor"),
    }
)
"""Keywords that allow and forbid nothing."""

OBJECT = frozenset(
    {"properties", "required", "additionalProperties", "minProperties", "maxProperties"}
    | {"unevaluatedProperties"}
)
ARRAY = frozenset(
    {"items", "prefixItems", "minItems", "maxItems", "additionalItems", "uniqueItems"}
)
STRING = frozenset({"minLength", "maxLength", "pattern", "format"})
NUMBER = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
COMMON = frozenset({"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "nullable"})
ENFORCED = OBJECT | ARRAY | STRING | NUMBER | COMMON

MOST_VALUES = 2_000
"""Values of an enum."""


class SchemaError(ValueError):
    """A JSON schema that cannot be enforced.

    Attributes:
        pointer: JSON pointer to what is at fault, "" for the whole schema.
    """

    def __init__(self, pointer: str, reason: str) -> None:
        """Takes the pointer and the reason."""
        super().__init__(f"{pointer[:500] or '#'}: {reason}")
        self.pointer = pointer


def check_words(schema: dict[str, object], at: str) -> None:
    """Refuses keywords that are not enforced.

    Raises:
        SchemaError: Naming the first one.
    """
    for key in schema:
        if not isinstance(key, str):
            raise SchemaError(at, "its keywords are no strings")
        if key not in ENFORCED and key not in ANNOTATIONS and not key.startswith("x-"):
            raise SchemaError(
                f"{at}/{escaped(key)}", "this keyword cannot be enforced; leave it out"
            )


def escaped(key: str) -> str:
    """A key as a part of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")
