"""Formats against their templates: recognised, readable, and allowed by their own grammars."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend.chat.abilities import abilities
from backend.chat.gbnf import check_gbnf, read_gbnf
from backend.chat.layer import NamedTool, ToolError, Wanted, parse, prepare
from backend.chat.matcher import Matcher
from backend.chat.template import ChatTemplate
from tests.backend.chat.families import FAMILIES, IDS, Family

WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "unit": {"enum": ["C", "F"]},
        "days": {"type": "integer"},
    },
    "required": ["city", "days"],
    "additionalProperties": False,
}
USER = {"role": "user", "content": "How warm is it?"}


def tool(name: str, parameters: object = None, **more: object) -> dict[str, Any]:
    shown = {"name": name, "description": f"Does {name}.", "parameters": parameters, **more}
    return {"type": "function", "function": shown}


TOOLS = [tool("weather", WEATHER), tool("clock")]
EACH = pytest.mark.parametrize("family", FAMILIES, ids=IDS)


def allowed(gbnf: str, text: str) -> bool:
    """Whether a grammar has this text, and may end with it."""
    check_gbnf(gbnf)
    matcher = Matcher(read_gbnf(gbnf))
    state = matcher.follow(matcher.start, text.encode())
    return state is not None and state.complete


def wanted(**more: Any) -> Wanted:
    return Wanted([USER], TOOLS, **more)


def grammar(family: Family, **more: Any) -> str:
    constraint = prepare(ChatTemplate(family.template), wanted(**more)).constraint
    assert constraint is not None
    return constraint.gbnf


ONE = ("weather", {"city": "Oslo", "unit": "C", "days": 2})
SHORT = ("weather", {"city": "Rome", "days": 1})
CLOCK = ("clock", dict[str, Any]())


@EACH
def test_a_family_is_known_by_its_template(family: Family) -> None:
    able = abilities(ChatTemplate(family.template))
    assert (able.form.name, able.calls) == (family.name, True)


@EACH
@pytest.mark.parametrize("call", [ONE, SHORT, CLOCK], ids=["all", "required", "none"])
def test_what_a_model_would_write_is_allowed(family: Family, call: tuple[str, Any]) -> None:
    text = family.write("", [call])
    ended = text.removesuffix("<|call|>")  # with which such a model ends
    for choice in ("required", NamedTool(call[0])):
        assert allowed(grammar(family, tool_choice=choice), ended)


@EACH
def test_what_is_no_such_call_is_not_allowed(family: Family) -> None:
    gbnf = grammar(family, tool_choice=NamedTool("weather"))
    for text in ("It is warm.", "", *(family.write("", [call]) for call in (CLOCK, ("x", {})))):
        assert not allowed(gbnf, text)
    missing = family.write("", [("weather", {"city": "Oslo"})]).removesuffix("<|call|>")
    wrong = [("weather", {"city": "Oslo", "days": "two"}), ("weather", {"town": "Oslo"})]
    for text in (missing, *(family.write("", [call]) for call in wrong)):
        assert not allowed(gbnf, text.removesuffix("<|call|>"))


@EACH
def test_one_call_or_several(family: Family) -> None:
    form = abilities(ChatTemplate(family.template)).form
    text = family.write("", [ONE, CLOCK])
    assert not allowed(grammar(family, tool_choice="required", parallel=False), text)
    # Models of these families end their turn after a call.
    assert allowed(grammar(family, tool_choice="required"), text) is not form.single


@EACH
def test_a_grammar_that_waits_begins_at_its_triggers(family: Family) -> None:
    prepared = prepare(ChatTemplate(family.template), wanted())
    assert prepared.constraint is not None
    assert prepared.specials
    text = family.write("I look it up.", [ONE]).removesuffix("<|call|>")
    starts = [text.find(trigger) for trigger in prepared.constraint.triggers]
    assert allowed(prepared.constraint.gbnf, text[min(at for at in starts if at >= 0) :])


@EACH
def test_a_grammars_text_is_read_as_the_call_it_is(family: Family) -> None:
    prepared = prepare(ChatTemplate(family.template), wanted(tool_choice="required"))
    assert prepared.reader is not None
    answer = parse(family.write("", [ONE]), prepared.reader())
    assert [(call.name, json.loads(call.arguments)) for call in answer.calls] == [ONE]


@EACH
def test_an_answer_in_a_form_or_a_call(family: Family) -> None:
    schema = {"type": "object", "properties": {"c": {"type": "integer"}}, "required": ["c"]}
    gbnf = grammar(family, schema=schema)
    said = family.write('{"c": 3}', []).removesuffix("<|end|>")
    assert allowed(gbnf, said)
    assert allowed(gbnf, family.write("", [ONE]).removesuffix("<|call|>"))
    assert not allowed(gbnf, family.write('{"c": "3"}', []).removesuffix("<|end|>"))
    assert not allowed(grammar(family, schema=schema, tool_choice="required"), said)


@EACH
def test_a_conversation_with_calls_is_shown_whole(family: Family) -> None:
    calls = [
        {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": given}}
        for n, (name, given) in enumerate([("weather", '{"city": "Ulm"}'), ("clock", "{}")])
    ]
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        USER,
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "call_0", "content": "21 degrees"},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "noon"}]},
        {"role": "assistant", "content": "It is warm."},
        {"role": "user", "content": "Thanks."},
    ]
    prompt = prepare(ChatTemplate(family.template), Wanted(messages, TOOLS)).prompt
    words = ["Be brief.", "How warm", "Ulm", "21 degrees", "noon", "It is warm.", "Thanks."]
    places = [prompt.find(word) for word in words]
    assert min(places) >= 0
    assert [at for at in places if at] == sorted(at for at in places if at)
    assert "Does weather." in prompt


@EACH
def test_strict_schemas_are_held_or_refused(family: Family) -> None:
    odd = {"type": "object", "properties": {"a": {"type": "string", "pattern": "(?=x)y"}}}
    template = ChatTemplate(family.template)
    prepare(template, Wanted([USER], [tool("f", odd)], "required"))
    with pytest.raises(ToolError, match=r"^tools\[0\]\.function\.parameters: .*/properties/a"):
        prepare(template, Wanted([USER], [tool("f", odd, strict=True)], "required"))


@EACH
def test_a_schema_that_is_none_is_refused(family: Family) -> None:
    bad = {"type": "object", "properties": {"a": {"type": "strong"}}}
    with pytest.raises(ToolError) as caught:
        prepare(ChatTemplate(family.template), Wanted([USER], [tool("f", bad)]))
    assert caught.value.field == "tools[0].function.parameters"
