"""What a grammar of a schema writes is valid for it, and what it should write it can."""

from __future__ import annotations

import contextlib
import json
import random
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.chat.gbnf import read_gbnf
from backend.chat.json_schema import SchemaError, schema_rules, to_gbnf
from backend.chat.json_schema_strings import FORMATS
from backend.chat.matcher import Matcher, State

CHECKER = jsonschema.Draft202012Validator.FORMAT_CHECKER

BYTES = bytes(range(256))


def matcher_of(schema: Any) -> Matcher:
    return Matcher(read_gbnf(to_gbnf(schema)))


def accepts(matcher: Matcher, text: str) -> bool:
    state = matcher.follow(matcher.start, text.encode())
    return state is not None and state.complete


def written(matcher: Matcher, chance: random.Random) -> str:
    """A text of the grammar, byte by byte at random, that is in a hurry to end."""
    state, text = matcher.start, bytearray()
    while not state.finished and not (state.complete and chance.random() < 0.4):
        state = _next(matcher, state, text, chance)
        matcher.budget = 1_000_000
        assert len(text) < 100_000
    return text.decode()


def _next(matcher: Matcher, state: State, text: bytearray, chance: random.Random) -> State:
    hurry = chance.random() < 0.3 + len(text) / 300
    closing = bytes(chance.sample(b'"]},ab', 6)) if hurry else b""
    turn = chance.randrange(256)
    for byte in [
        *closing,
        *(chance.randrange(0x20, 0x7F) for _ in range(20)),
        *BYTES[turn:],
        *BYTES,
    ]:
        following = matcher.follow(state, bytes([byte]))
        if following is not None:
            text.append(byte)
            return following
    raise AssertionError(f"nothing can come after {bytes(text)!r}")


def object_of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "title": "Node",
            "properties": {
                "value": {"type": "integer", "default": 3},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 2},
            },
            "required": ["value"],
        }
    },
}
SCHEMAS: dict[str, Any] = {
    "anything": True,
    "any object": {"type": "object"},
    "any array": {"type": "array"},
    "optional in the middle": {
        "type": "object",
        "properties": {"a": {"type": "null"}, "b": {"type": "null"}, "c": {"type": "null"}},
        "required": ["b"],
        "additionalProperties": False,
    },
    "none required": {"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}}},
    "further properties": {
        "type": "object",
        "properties": {"ab": {"type": "string"}, "a": {"type": "null"}},
        "additionalProperties": {"type": "boolean"},
    },
    "required without a schema": {"type": "object", "required": ["x"]},
    "no properties": {"type": "object", "additionalProperties": False},
    "values": {"enum": ["a", 1, None, True, {"x": [1.5]}, 'é\n"\\', "\x7f"]},
    "tree": TREE,
    "all of": {
        "allOf": [object_of(a={"type": "number"}), {"properties": {"a": {"minimum": 3}}}],
        "required": ["b"],
    },
    "a base and alternatives": {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "anyOf": [{"required": ["a"]}, object_of(q={"type": "null"})],
    },
    "one of": {
        "oneOf": [
            object_of(kind={"const": "x"}, v={"type": "string"}),
            object_of(kind={"const": 1}),
        ]
    },
    "a reference with more": {"$ref": "#/$defs/n", "maximum": 5, "$defs": {"n": {"minimum": 1}}},
    "tuple": {
        "type": "array",
        "prefixItems": [{"type": "integer"}, {"type": "string", "maxLength": 4}],
        "items": {"type": "boolean"},
        "minItems": 1,
        "maxItems": 5,
    },
    "closed tuple": {"type": "array", "prefixItems": [{"type": "integer"}] * 2, "items": False},
    "items": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3},
    "no items": {"type": "array", "maxItems": 0},
    "length": {"type": "string", "minLength": 2, "maxLength": 5},
    "pattern": {"type": "string", "pattern": r'^([A-Z]\d{2,3}|"\\)[^a-y]?$'},
    "open pattern": {"type": "string", "pattern": "ab+|^c"},
    "several types": {"type": ["string", "null", "integer"], "maxLength": 3, "minimum": -2},
    "from 0 to 1": {"type": "number", "minimum": 0, "maximum": 1},
    "between -2 and 3": {"type": "number", "exclusiveMinimum": -2, "exclusiveMaximum": 3},
    "whole": {"type": "integer", "minimum": -120, "exclusiveMaximum": 1035},
    "whole, halves as bounds": {"type": "integer", "minimum": 0.5, "maximum": 3.5},
    "at least": {"type": "number", "minimum": 98},
    **{f"format {name}": {"type": "string", "format": name} for name in FORMATS},
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_is_written_is_valid(name: str) -> None:
    matcher, chance = matcher_of(SCHEMAS[name]), random.Random(name)
    validator = jsonschema.Draft202012Validator(SCHEMAS[name], format_checker=CHECKER)
    texts = {written(matcher, chance) for _ in range(25)}
    for text in texts:
        validator.validate(json.loads(text))


@pytest.mark.parametrize(
    ("name", "text", "accepted"),
    [
        ("anything", '{"a": [1, -2.5e+10, {"b": null}], "\\u00e9\\n": "\\"", "c": {}}', True),
        ("anything", '{"a": 1,}', False),
        ("anything", '"\n"', False),
        ("anything", "01", False),
        ("anything", '"\\ud800"', False),
        ("optional in the middle", '{"b": null, "c": null}', True),
        ("optional in the middle", '{"a": null, "c": null}', False),
        ("optional in the middle", '{"b":null,"d":null}', False),
        ("none required", "{}", True),
        ("none required", '{\n  "b": 2\n}', True),
        ("none required", '{, "b": 2}', False),
        ("none required", '{"b":  2}', False),
        ("none required", '{"b":\n2}', False),
        ("none required", '{  "b": 2}', False),
        ("none required", '{\n\n"b": 2}', False),
        ("none required", '{\n\t\t"b": 2\n\t}', True),
        ("none required", "{\n" + " " * 12 + '"b": 2}', True),
        ("none required", "{\n" + " " * 13 + '"b": 2}', False),
        ("anything", '{"a":  1}', False),
        ("anything", json.dumps({"a": [{"b": [{"c": 1}]}], "d": {}}, indent=2), True),
        ("anything", json.dumps({"a": [{"b": 1}]}, indent=4), True),
        ("anything", json.dumps({"a": [{"b": [{"c": 1}]}]}, indent="\t"), False),
        ("anything", json.dumps({"a": [{"b": 1}]}, indent="\t"), True),
        ("further properties", '{"a": null, "abc": true, "": false, "b": true}', True),
        ("further properties", '{"b": true, "ab": true}', False),
        ("further properties", '{"\\u0061": true}', False),
        ("values", '"é\\n\\"\\\\"', True),
        ("tree", '{"value": 1, "children": [{"value": 2}, {"value": 3, "children": []}]}', True),
        ("tree", '{"value": 1, "children": [{}]}', False),
        ("one of", '{"kind": 1}', True),
        ("one of", '{"kind": "x"}', False),
        ("tuple", '[1, "a", true, false]', True),
        ("tuple", "[1, true]", False),
        ("tuple", "[]", False),
        ("items", "[1, 2, 3, 4]", False),
        ("length", '"\\u00e9é"', True),
        ("length", '"é"', False),
        ("pattern", '"A123"', True),
        ("pattern", '"\\"\\\\z"', True),
        ("pattern", '"A1"', False),
        ("open pattern", '"xxabbb!"', True),
        ("open pattern", '"cx"', True),
        ("open pattern", '"xc"', False),
        ("from 0 to 1", "0.25", True),
        ("from 0 to 1", "1.0", True),
        ("from 0 to 1", "1.1", False),
        ("between -2 and 3", "-1.99", True),
        ("between -2 and 3", "-2.0", False),
        ("between -2 and 3", "2.999", True),
        ("whole", "-120", True),
        ("whole", "1035", False),
        ("format date", '"2024-02-29"', True),
        ("format date", '"2023-02-29"', False),
        ("format uuid", '"123e4567-e89b-12d3-a456-426614174000"', True),
    ],
)
def test_what_can_be_written(name: str, text: str, accepted: bool) -> None:
    assert accepts(matcher_of(SCHEMAS[name]), text) is accepted


@pytest.mark.parametrize(
    ("schema", "pointer", "told"),
    [
        (False, "", "nothing is allowed"),
        ([1], "", "no schema"),
        ({"type": "text"}, "/type", "null, boolean"),
        ({"type": []}, "/type", "a list of some"),
        ({"properties": {"a/b": {"not": {}}}}, "/properties/a~1b/not", "cannot be enforced"),
        ({"multipleOf": 3}, "/multipleOf", "cannot be enforced"),
        ({"typo": 3}, "/typo", "cannot be enforced"),
        ({"type": "array", "uniqueItems": True}, "/uniqueItems", "cannot be enforced"),
        ({"items": {"if": {}}}, "/items/if", "cannot be enforced"),
        ({"$ref": "#/$defs/x"}, "/$ref", "there is no"),
        ({"$ref": "http://x"}, "/$ref", "into this schema"),
        ({"$ref": "#"}, "", "circle"),
        ({"anyOf": [{"$ref": "#"}, {"type": "null"}]}, "", "circle"),
        ({"allOf": [{"$ref": "#"}]}, "", "too deep"),
        (object_of(a={"$ref": "#"}), "", "has an end"),
        ({"type": "string", "format": "regex"}, "/format", "date-time"),
        ({"type": "string", "format": "date", "maxLength": 3}, "/format", "length"),
        ({"type": "string", "pattern": "(?=a)"}, "/pattern", "(?"),
        ({"type": "string", "pattern": "[\\ud800]"}, "/pattern", "halves"),
        ({"type": "string", "pattern": "a", "minLength": 2}, "/pattern", "beside"),
        ({"minLength": "a"}, "/minLength", "whole number"),
        ({"minLength": -1}, "/minLength", "whole number"),
        ({"minLength": 3, "maxLength": 2}, "/maxLength", "less than"),
        ({"type": "array", "minItems": 10**9}, "/minItems", "no more than"),
        ({"enum": []}, "", "no value"),
        ({"enum": ["a"], "type": "integer"}, "", "no value"),
        ({"enum": ["a"], "minLength": 1}, "/minLength", "beside values"),
        ({"enum": ["\ud800"]}, "", "half of a character"),
        ({"enum": [float("nan")]}, "", "JSON"),
        ({"properties": {"\udc00": True}}, "", "half of a character"),
        ({"properties": []}, "/properties", "object of schemas"),
        ({"required": [1]}, "/required", "names"),
        ({"required": ["a"], "additionalProperties": False}, "/required", "'a'"),
        ({"type": "object", "minProperties": 2}, "/minProperties", "required"),
        ({"allOf": [{"type": "string"}, {"type": "null"}]}, "/allOf/1/type", "no type"),
        ({"allOf": {}}, "/allOf", "list of schemas"),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "/oneOf", "overlap"),
        ({"type": "integer", "minimum": 5, "maximum": 4}, "", "within these bounds"),
        ({"type": "number", "minimum": 0.5}, "/minimum", "whole numbers"),
        ({"minimum": float("inf")}, "/minimum", "a number"),
        (
            {"properties": {str(n): {"type": "integer", "minimum": n} for n in range(5000)}},
            None,
            "",
        ),
    ],
)
def test_what_cannot_be_enforced_is_refused(schema: Any, pointer: str | None, told: str) -> None:
    with pytest.raises(SchemaError) as caught:
        to_gbnf(schema)
    assert pointer is None or caught.value.pointer == pointer
    assert told in str(caught.value)


def test_a_schema_that_grows_with_each_reference_is_refused() -> None:
    """Each level names the next one twice, with something more: all together too much."""
    twice = {
        f"l{level}": {"anyOf": [{"$ref": f"#/$defs/l{level + 1}", "maximum": n} for n in (1, 2)]}
        for level in range(40)
    }
    with pytest.raises(SchemaError, match="too large"):
        to_gbnf({"$ref": "#/$defs/l0", "$defs": {**twice, "l40": {"type": "integer"}}})


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"n" * 100_000: True}, "additionalProperties": True},
        {"properties": {f"{n}" * 9: True for n in range(4000)}, "additionalProperties": True},
        {"allOf": [{"required": [f"{n}" for n in range(20_000)]}] * 2},
        {"allOf": [{"enum": list(range(9_000))}, {"enum": list(range(1, 9_000))}]},
        {"allOf": [{"properties": {f"{n}": {}}} for n in range(9_000)]},
        {
            "oneOf": [
                object_of(**{f"p{n}": {"const": part} for n in range(90)}) for part in range(99)
            ]
        },
        {"enum": [1] * 60_000},
        {"type": "string", "pattern": "(a|b)?" * 20_000},
        {"type": "string", "pattern": "[" + "a-z" * 50_000 + "]"},
    ],
)
@pytest.mark.timeout(60)
def test_a_large_schema_takes_no_long_time(schema: Any) -> None:
    with contextlib.suppress(SchemaError):
        to_gbnf(schema)


def test_rules_of_several_schemas_stand_side_by_side() -> None:
    first, second = (schema_rules({"const": name}, name) for name in ("one", "two"))
    grammar = f"root ::= {first.root} | {second.root}\n{first.text}{second.text}"
    matcher = Matcher(read_gbnf(grammar))
    assert accepts(matcher, '"one"')
    assert accepts(matcher, '"two"')


_names = st.text(st.sampled_from('ab"\\é\n{'), max_size=3)
_documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=8,
)


def schema_for(document: Any, chance: random.Random) -> dict[str, Any]:
    """A schema for which a document is valid, of any of the keywords there are."""
    match document:
        case bool() | None:
            return chance.choice([{"const": document}, {"type": ["boolean", "null"]}])
        case int():
            low, high = document - chance.randrange(500), document + chance.randrange(500)
            return {"type": chance.choice(["integer", "number"]), "minimum": low, "maximum": high}
        case str():
            more = {"minLength": chance.randint(0, len(document)), "maxLength": len(document) + 2}
            return chance.choice([{"type": "string", **more}, {"enum": ["other", document]}])
        case list():
            items = [schema_for(item, chance) for item in document]
            if chance.random() < 0.5:
                return {"type": "array", "prefixItems": items, "minItems": len(items)}
            return {"type": "array", "items": {"anyOf": [*items, {"type": "null"}]}}
    parts = {name: schema_for(value, chance) for name, value in document.items()}
    required = [name for name in parts if chance.random() < 0.5]
    optional = {"not there": {"type": "string"}}
    return {"type": "object", "properties": {**optional, **parts}, "required": required}


@settings(deadline=None, max_examples=100)
@given(_documents, st.randoms(use_true_random=False))
def test_any_document_can_be_written_and_what_is_written_is_valid(
    document: Any, chance: random.Random
) -> None:
    schema = schema_for(document, chance)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(document)
    matcher = matcher_of(schema)
    for text in (
        json.dumps(document, ensure_ascii=False),
        json.dumps(document, ensure_ascii=False, separators=(",", ":")),
        json.dumps(document, ensure_ascii=False, indent=2),
    ):
        assert accepts(matcher, text) or "\x7f" in text, (schema, text)
    validator.validate(json.loads(written(matcher, random.Random(1))))
