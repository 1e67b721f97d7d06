"""Answers with calls, cut anywhere: what was written is recovered, and cuts make no difference."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.chat.abilities import abilities
from backend.chat.formats.base import Format, Thinking
from backend.chat.formats.hermes import Hermes
from backend.chat.parts import Part
from backend.chat.reader import Parsed, Reader, merged, parse
from backend.chat.template import ChatTemplate
from backend.chat.tools import Tool
from tests.backend.chat.families import FAMILIES, IDS, Family

THINK = Thinking("<think>", "</think>")
SCHEMA = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "mode": {"enum": ["r", "w"]},
        "count": {"type": "integer"},
        "tags": {"type": "array"},
        "more": {"type": "object"},
    },
}
TOOLS = [Tool("", name, "", SCHEMA, strict=False) for name in ("write", "write_all", "get.weather")]
# What texts and values are made of: also pieces of markers, and what JSON has to escape.
FRAGMENTS = [
    *("<", "<tool", "_call>", "<｜tool", "▁call", "[", "[TOOL_CALLS", "]", "{", "}", '"', "\\"),
    *(" ", "\n", "<|", "channel", "|>", "```", "</", "param", "é€", "\U0001f600", '{"name"', ":"),
    *("<think", ">", "to=", "functions", "<function", "=", ";", ",", "null", "1"),
]
pieces = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=8).map("".join)
MARKERS = [
    *("<tool_call>", "</tool_call>", "<function=", "[TOOL_CALLS]", "<|channel|>", "<|start|>"),
    *("<|end|>", "<|call|>", "<|return|>", "<｜tool▁call", " to=functions.", "<think>", "</think>"),
    *("<invoke name", "<minimax:tool_call>", "<｜DSML｜", "</｜DSML｜parameter>", "</parameter>"),
    *("</arg_value>", "<|python_tag|>", '{"name": "', '{"name":"'),
]


def without_markers(text: str) -> bool:
    return not any(marker in text for marker in MARKERS) and not text.startswith("{")


texts = pieces.map(lambda text: text.strip(" \t\r\n")).filter(without_markers)
values = pieces.filter(lambda text: not any(marker in text for marker in MARKERS))
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
jsons = st.recursive(
    scalars | values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(values, inner, max_size=3),
    max_leaves=6,
)
arguments = st.fixed_dictionaries(
    {},
    optional={
        "path": values,
        "mode": st.sampled_from(["r", "w"]),
        "count": st.integers(),
        "tags": st.lists(jsons, max_size=3),
        "more": st.dictionaries(values, jsons, max_size=3),
    },
)
calls = st.lists(st.tuples(st.sampled_from([tool.name for tool in TOOLS]), arguments), max_size=3)
cuts = st.lists(st.integers(0, 400), max_size=6)


def cut(text: str, places: Sequence[int]) -> list[str]:
    ends = sorted({min(place, len(text)) for place in places})
    bounds = [0, *ends, len(text)]
    return [text[begin:end] for begin, end in itertools.pairwise(bounds)]


def read(text: list[str], reader: Reader) -> list[Part]:
    parts = [part for piece in text for part in reader.feed(piece)]
    return merged(iter([*parts, *reader.finish()]))


def reader_of(
    form: Format,
    *,
    sure: bool = False,
    thinking: Thinking | None = None,
    only_calls: bool = False,
) -> Reader:
    numbers = itertools.count()
    new_id = lambda: f"id{next(numbers)}"  # noqa: E731
    return Reader(form, TOOLS, thinking, sure=sure, only_calls=only_calls, new_id=new_id)


def parsed(parts: Sequence[Part]) -> Parsed:
    whole = Parsed()
    for part in parts:
        whole.add(part)
    return whole


def found(whole: Parsed) -> list[tuple[str, Any]]:
    return [(call.name, json.loads(call.arguments)) for call in whole.calls]


FORMS = [abilities(ChatTemplate(family.template)).form for family in FAMILIES]
EACH = pytest.mark.parametrize(("family", "form"), list(zip(FAMILIES, FORMS, strict=True)), ids=IDS)


@EACH
@settings(max_examples=50, deadline=None)
@given(text=texts, written=calls, places=cuts, sure=st.booleans())
def test_text_and_calls_are_recovered_from_any_pieces(
    family: Family,
    form: Format,
    text: str,
    written: list[tuple[str, dict[str, Any]]],
    places: list[int],
    sure: bool,
) -> None:
    raw = family.write(text, written)
    whole = read([raw], reader_of(form, sure=sure))
    assert parsed(whole).content == text
    assert found(parsed(whole)) == written
    assert read(list(raw), reader_of(form, sure=sure)) == whole
    assert read(cut(raw, places), reader_of(form, sure=sure)) == whole


@EACH
@settings(max_examples=50, deadline=None)
@given(thought=texts.filter(bool), text=texts, written=calls, places=cuts, begun=st.booleans())
def test_thoughts_come_apart_from_the_answer(
    family: Family,
    form: Format,
    thought: str,
    text: str,
    written: list[tuple[str, dict[str, Any]]],
    places: list[int],
    begun: bool,
) -> None:
    raw = family.write(text, written)
    if form.name == "harmony":
        raw = f"<|channel|>analysis<|message|>{thought}<|end|><|start|>assistant{raw}"
    else:
        raw = f"{'' if begun else '<think>'}\n{thought}\n</think>\n\n{raw}"
    thinking = Thinking("<think>", "</think>", begun)
    whole = read([raw], reader_of(form, thinking=thinking))
    assert parsed(whole).reasoning == thought
    assert parsed(whole).content == text
    assert found(parsed(whole)) == written
    assert read(cut(raw, places), reader_of(form, thinking=thinking)) == whole
    assert read(list(raw), reader_of(form, thinking=thinking)) == whole


whatever = st.lists(st.sampled_from([*FRAGMENTS, *MARKERS]) | st.text(max_size=3), max_size=14)


@EACH
@settings(max_examples=50, deadline=None)
@given(raw=whatever.map("".join), places=cuts, sure=st.booleans())
def test_of_any_text_the_same_is_read_however_it_is_cut(
    family: Family, form: Format, raw: str, places: list[int], sure: bool
) -> None:
    whole = read([raw], reader_of(form, sure=sure, thinking=THINK))
    assert read(list(raw), reader_of(form, sure=sure, thinking=THINK)) == whole
    assert read(cut(raw, places), reader_of(form, sure=sure, thinking=THINK)) == whole


@EACH
@settings(max_examples=50, deadline=None)
@given(raw=whatever.map("".join), written=calls.filter(bool), at=st.integers(0, 300))
def test_what_only_looks_like_a_call_is_not_lost(
    family: Family, form: Format, raw: str, written: list[tuple[str, dict[str, Any]]], at: int
) -> None:
    if form.name == "harmony":
        return  # whose markers are no text: see below
    raw = raw + family.write("", written)[:at]
    whole = parsed(read([raw], reader_of(form)))
    if not whole.calls:
        assert whole.content == raw


@EACH
@settings(max_examples=50, deadline=None)
@given(written=calls.filter(bool), end=st.integers(0, 300), places=cuts)
def test_of_a_call_that_had_to_come_nothing_is_text(
    family: Family,
    form: Format,
    written: list[tuple[str, dict[str, Any]]],
    end: int,
    places: list[int],
) -> None:
    raw = family.write("", written)[:end]
    whole = read([raw], reader_of(form, sure=True, only_calls=True))
    assert parsed(whole).content == ""
    assert read(list(raw), reader_of(form, sure=True, only_calls=True)) == whole
    assert read(cut(raw, places), reader_of(form, sure=True, only_calls=True)) == whole


BROKEN = [
    '<tool_call>\n{"name": "write", "arguments": {"path": }}\n</tool_call>',
    '<tool_call>\n{"name": "write", "arguments": {"path": "a"}\n</tool_call>',
    '<tool_call>{"name": "delete", "arguments": {}}</tool_call>',
    '<tool_call>{"name": "write", "arguments": [1]}</tool_call>',
    '<tool_call>{"name": "write", "arguments": {"a": NaN}}</tool_call>',
    '<tool_call>{"arguments": {}}</tool_call>',
    '<tool_call>{"name": 5, "arguments": {}}</tool_call>',
    '<tool_call>{"name": "write", "arguments": {"path": "a"',
    "I would use <tool_call> for that.",
]


@pytest.mark.parametrize("raw", BROKEN)
def test_a_broken_call_is_text(raw: str) -> None:
    read = parse(raw, reader_of(Hermes()))
    assert (read.content, read.calls) == (raw, [])


def test_a_call_after_a_broken_one_is_read() -> None:
    good = '<tool_call>{"name": "write", "arguments": {"path": "b"}}</tool_call>'
    read = parse(BROKEN[0] + good, reader_of(Hermes()))
    assert read.content == BROKEN[0]
    assert found(read) == [("write", {"path": "b"})]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('{"arguments": {"path": "a"}, "name": "write"}', {"path": "a"}),
        ('{"name": "write", "arguments": "{\\"path\\": \\"a\\"}"}', {"path": "a"}),
        ('{"name":"write","parameters":{"path":"a\nb"}}', {"path": "a\nb"}),
        ('{"id": 7, "type": "function", "name": "write"}', {}),
        ('[{"name": "write", "arguments": {}}]', {}),
    ],
)
def test_calls_written_in_other_ways_are_understood(raw: str, expected: object) -> None:
    read = parse(f"<tool_call>{raw}</tool_call>", reader_of(Hermes()))
    assert found(read) == [("write", expected)]


def test_a_call_that_a_grammar_holds_is_passed_on_as_it_comes() -> None:
    reader = reader_of(Hermes(), sure=True)
    said = [reader.feed(piece) for piece in ("<tool", '_call>\n{"name": "wri', 'te", "argu')]
    assert said == [[], [], []]
    assert [type(part).__name__ for part in reader.feed('ments": {"pa')] == [
        "CallBegun",
        "CallArguments",
    ]
    assert reader.called
    assert [part.text for part in reader.feed('th": "a') if hasattr(part, "text")] == ['th": "a']
    assert parsed(reader.finish()).content == ""


def test_of_a_call_that_a_grammar_holds_the_rest_may_be_missing() -> None:
    raw = '<tool_call>\n{"name": "write", "arguments": {"path": "a"}}\n</tool_call>'
    for end in range(1, len(raw)):
        read = parse(raw[:end], reader_of(Hermes(), sure=True))
        if end < len("<tool_call>"):
            assert (read.content, read.calls) == (raw[:end], [])
        else:
            assert read.content == ""
            assert len(read.calls) == (end >= raw.index(' {"path'))
            assert all('{"path": "a"}'.startswith(call.arguments) for call in read.calls)


def test_text_is_held_back_no_longer_than_needed() -> None:
    reader = reader_of(Hermes())
    assert parsed(reader.feed("one <tool")).content == "one"
    assert parsed(reader.feed("box")).content == " <toolbox"
    assert parsed(reader.finish()).content == ""


def test_a_call_in_the_middle_of_a_thought_ends_it() -> None:
    raw = '<think>I call <tool_call>{"name": "write", "arguments": {}}</tool_call>'
    read = parse(raw, reader_of(Hermes(), thinking=THINK))
    assert (read.reasoning, read.content, len(read.calls)) == ("I call", "", 1)


def test_a_thought_that_is_cut_off_stays_a_thought() -> None:
    read = parse("<think>so far</thi", reader_of(Hermes(), thinking=THINK))
    assert (read.reasoning, read.content) == ("so far</thi", "")


@pytest.mark.parametrize(
    ("begun", "raw", "thoughts"),
    [
        (False, "<think>so</think>\n\nhi <think>", ">so</think>"),
        (True, "so</think>\n\nhi", "so</think>"),
        (True, "so <tool>", "so <tool>"),
        (False, "so", ""),
    ],
)
def test_it_is_known_which_characters_are_thoughts(begun: bool, raw: str, thoughts: str) -> None:
    reader = reader_of(Hermes(), thinking=Thinking("<think>", "</think>", begun))
    found = ""
    for character in raw:
        before = reader.thinking
        reader.feed(character)
        found += character if before or reader.thinking else ""
    assert found == thoughts


def test_without_tools_nothing_is_a_call() -> None:
    raw = '<tool_call>{"name": "write", "arguments": {}}</tool_call>'
    assert parse(raw, Reader(Hermes(), [])).content == raw
    assert len(parse(raw, Reader(Hermes())).calls) == 1
