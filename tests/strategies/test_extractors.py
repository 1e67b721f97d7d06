"""Reading positions: extractors, their options and what is wrong with them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from council.assemble import build_strategy
from council.config.document import Document
from council.errors import ConfigError
from council.strategies import Vote
from council.strategies.extractors import EXTRACTORS, Closed
from council.strategies.extractors.base import LONGEST
from council.strategies.extractors.json_text import NOTHING, canonical, last_json
from council.strategies.extractors.patterns import SECONDS
from council.strategies.extractors.semantic import clusters, names


def vote(options: dict[str, Any]) -> Vote:
    strategy = build_strategy("vote", options, Document("<panel>", {"strategy": options}, {}))
    assert isinstance(strategy, Vote)
    return strategy


def read(extract: object, text: str, question: str = "?") -> str | None:
    extractor = vote({"extract": extract}).extract
    assert isinstance(extractor, Closed)
    return extractor.read(text, question)


COLOURS = {"kind": "choice", "choices": ["red", "Dark red", "blue"]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("red", "red"),
        ("RED.", "red"),
        ("**Blue**", "blue"),
        ("dark  red", "Dark red"),
        ("It is dark red.", "Dark red"),
        ("Blue: it is the colour of the sky, not red.", "blue"),
        ("Red, not blue.", "red"),
        ("It is not blue.", None),
        ("It isn't blue but red.", None),
        ("Red or blue, who knows.", None),
        ("Blue seems likely, red is popular. The answer is red.", "red"),
        ("Answer: dark red\nI looked twice.", "Dark red"),
        ("The answer is redder than blue.", "blue"),
        ("hundred", None),
        ("", None),
        ("x" * LONGEST + " red", None),
    ],
)
def test_listed_choices(text: str, value: str | None) -> None:
    assert read(COLOURS, text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a", "A"),
        ("(B)", "B"),
        ("B) the second", "B"),
        ("The answer is B.", "B"),
        ("a cat is an animal", None),
        ("The answer is a cat", None),
    ],
)
def test_listed_letters_are_no_words(text: str, value: str | None) -> None:
    assert read({"kind": "choice", "choices": ["A", "B"]}, text) == value


def test_an_option_may_sound_like_a_denial() -> None:
    options = {"kind": "choice", "choices": ["sure", "not sure"]}
    assert read(options, "I am not sure") == "not sure"
    assert read(options, "I am sure") == "sure"


@pytest.mark.parametrize("extract", [COLOURS, "choice", "number", "json", "text", "exact", "auto"])
@pytest.mark.parametrize(
    "piece", ["red ", " ", "!", "not red ", "answer: ", '{"a":', "```\n{\n", "1,"]
)
def test_no_text_takes_for_ever(extract: object, piece: str) -> None:
    started = time.monotonic()
    read(extract, piece * (LONGEST // len(piece) - 1) + "a")
    assert time.monotonic() - started < 20


def test_choices_without_a_list_are_letters_or_yes_and_no() -> None:
    assert read("choice", "The answer is (C).") == "c"
    assert read("choice", "Yes, it is.") == "yes"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"b": 2.0, "a": [1, 1.50]}', '{"a":[1,1.5],"b":2}'),
        ('So: {"a": 1} is it.', '{"a":1}'),
        ('First {"a": 1}, better {"a": 2}.', '{"a":2}'),
        ('```json\n{"a": 1}\n```\nSee [1].', '{"a":1}'),
        ('```\n{"a": 1}\n```', '{"a":1}'),
        ('```python\nx = [3]\n```\n{"a": 1}', '{"a":1}'),
        ('```json\n{"a": \n```', None),
        ("[1, 2]", "[1,2]"),
        ('{"a": {"b": 1}', None),
        ('{"a": 1} and then {"a": NaN}', None),
        ('{"a": 1, "a": 2}', None),
        ('{"a": 1e999}', None),
        ('The set {x : y} gives {"a": "é"}', '{"a":"é"}'),
        ('{"a": true}', '{"a":true}'),
        ("42", None),
        ("", None),
        ("[" * 50_000, None),
        ('{"a":' * 20_000, None),
        ('{"a": 1}' + " " * LONGEST, None),
    ],
)
def test_json(text: str, value: str | None) -> None:
    assert read("json", text) == value


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.lists(JSON, max_size=4) | st.dictionaries(st.text(), JSON, max_size=4)


@given(DOCUMENTS, st.sampled_from([None, 2]), st.booleans())
def test_the_same_value_is_the_same_position(value: Any, indent: int | None, fenced: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=fenced)
    written = f"Here:\n```json\n{text}\n```\n" if fenced else f"It is {text}"
    found = last_json(written)
    assert found is not NOTHING
    assert canonical(found) == canonical(value)


@given(DOCUMENTS, DOCUMENTS)
def test_different_values_are_different_positions(left: Any, right: Any) -> None:
    alike = json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    if alike:
        assert canonical(left) == canonical(right)
    elif canonical(left) == canonical(right):
        # 1 and 1.0 are equal in Python, and so is True: that one must have stayed apart.
        assert left == right
        assert str(left).count("True") == str(right).count("True")


PRICE = {
    "kind": "json",
    "schema": {
        "type": "object",
        "required": ["price"],
        "properties": {"price": {"type": "number"}, "code": {"pattern": "^[A-Z]+$"}},
    },
    "field": "price",
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"price": 3.0, "note": "a"}', "3"),
        ('{"price": 3, "code": "AB"}', "3"),
        ('{"price": "3"}', None),
        ('{"price": 3, "code": "ab"}', None),
        ('{"cost": 3}', None),
        ('{"price": 3} or {"cost": 4}', None),
    ],
)
def test_json_by_a_schema(text: str, value: str | None) -> None:
    assert read(PRICE, text) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [("a.b", "1"), ("list.1", '"y"'), ("list.2", None), ("a.b.c", None), ("none", "null")],
)
def test_a_field_of_json(field: str, value: str | None) -> None:
    text = '{"a": {"b": 1}, "list": ["x", "y"], "none": null}'
    assert read({"kind": "json", "field": field}, text) == value


@pytest.mark.parametrize(
    ("pattern", "text", "value"),
    [
        (r"ANSWER: (\w+)", "I will write ANSWER: x. ANSWER: y", "y"),
        (r"(?i)answer: (\w+)", "Answer: Y", "Y"),
        (r"\d+ km", "about 5 km", "5 km"),
        (r"(a)|b", "b", None),
        (r"z", "abc", None),
        (r"ANSWER:(.*)", "ANSWER:  ", None),
    ],
)
def test_regex(pattern: str, text: str, value: str | None) -> None:
    assert read({"kind": "regex", "pattern": pattern}, text) == value


def test_a_pattern_that_backtracks_for_ever_reads_nothing() -> None:
    started = time.monotonic()
    assert read({"kind": "regex", "pattern": r"(x+x+)+y"}, "x" * 5_000) is None
    assert time.monotonic() - started < SECONDS + 30
    assert read({"kind": "regex", "pattern": "x"}, "x" * (LONGEST + 1)) is None


def test_exact() -> None:
    assert read("exact", "  The Answer.\n") == "The Answer."
    assert read("exact", "the answer.") != read("exact", "The answer.")
    assert read("exact", " \n") is None


@pytest.mark.parametrize(
    ("extract", "message"),
    [
        ("jsno", "strategy.extract: unknown kind 'jsno': did you mean 'json'?"),
        ({"kind": "json", "feild": "a"}, "strategy.extract: json has no key 'feild': did you mean"),
        (3, "strategy.extract: expected a kind (auto, number,"),
        ("regex", "strategy.extract.pattern: is missing"),
        ({"kind": "regex", "pattern": "("}, "extract.pattern: not a regular expression: missing )"),
        (
            {"kind": "json", "schema": {"type": "objct"}},
            "extract.schema: not a JSON schema: $.type",
        ),
        ({"kind": "json", "schema": {"$ref": "#/x"}}, "$ref '#/x' leads to nothing in the schema"),
        ({"kind": "json", "schema": {"$ref": "http://h/x"}}, "$ref 'http://h/x' leads to nothing"),
        ({"kind": "json", "schema": {"pattern": "("}}, "schema: not a JSON schema: $.pattern"),
        (
            {"kind": "json", "schema": {"patternProperties": {}}},
            "patternProperties is not supported",
        ),
        ({"kind": "choice", "choices": ["a", "A"]}, "extract.choices: 'A' stands twice"),
        ({"kind": "choice", "choices": ["a"]}, "extract.choices: "),
        ({"kind": "semantic", "threshold": 2}, "extract.threshold: expected at most 1"),
    ],
)
def test_mistakes_name_the_key_and_the_way_out(extract: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        vote({"extract": extract})
    assert message in str(caught.value)


def test_a_schema_that_goes_round_in_circles_is_no_schema() -> None:
    with pytest.raises(ConfigError, match=r"not a usable schema: .* leads back to itself"):
        vote({"extract": {"kind": "json", "schema": {"$ref": "#"}}})


def test_every_extractor_says_what_it_is_called() -> None:
    assert set(EXTRACTORS) == {
        *("auto", "number", "choice", "text", "exact", "json", "regex", "semantic")
    }


def test_groups_of_vectors() -> None:
    assert clusters([], 0.9) == []
    assert clusters([[1, 0], [0, 1], [1, 0.1]], 0.9) == [0, 1, 0]
    # Each neighbour is near, both ends are not: a chain is no group.
    chain = [[1, 0], [1, 1], [0, 1]]
    assert sorted(clusters(chain, 0.7)) == [0, 0, 1]
    assert clusters(chain, 0.0) == [0, 0, 0]


VECTORS = st.lists(st.lists(st.integers(-3, 3), min_size=2, max_size=2), max_size=7)


@given(VECTORS, st.floats(-0.9, 1.0))
def test_every_two_in_a_group_are_alike(vectors: list[list[int]], threshold: float) -> None:
    from council.strategies.vectors import cosine

    groups = clusters(vectors, threshold)
    assert [n for i, n in enumerate(groups) if n not in groups[:i]] == sorted(set(groups))
    for i, left in enumerate(vectors):
        for j in range(i):
            if groups[i] == groups[j]:
                assert cosine(left, vectors[j]) >= threshold - 1e-12


def test_groups_have_names_of_their_own() -> None:
    long = "word " * 40
    found = names([long, "b", f"{long} other", "b2"], [0, 1, 2, 1])
    assert found[1] == found[3] == "b"
    assert len(set(found)) == 3
    assert all(len(name) < 90 for name in found)
