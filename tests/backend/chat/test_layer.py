"""From messages to a prompt, a grammar and a reader: thoughts, beginnings of answers, choices."""

from __future__ import annotations

from typing import Any

import pytest

from backend.chat.layer import (
    NamedTool,
    Parsed,
    Prepared,
    TemplateError,
    ToolError,
    Wanted,
    parse,
    prepare,
)
from backend.chat.template import ChatTemplate
from backend.chat.wanted import Choice
from tests.backend.chat.families import FAMILIES, OPENED, THINKING, chatml
from tests.backend.chat.test_formats import TOOLS, USER, allowed, tool

PLAIN = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]"
HERMES = FAMILIES[0].template
BEGUN = {"role": "assistant", "content": "It is"}


def made(template: str | None, *messages: Any, **more: Any) -> Prepared:
    return prepare(ChatTemplate(template), Wanted(messages or [USER], **more))


def answer(prepared: Prepared, text: str) -> Parsed:
    assert prepared.reader is not None
    return parse(text, prepared.reader())


def test_plain_text_needs_no_reader_and_no_grammar() -> None:
    prepared = made(PLAIN)
    assert prepared == Prepared("[user]How warm is it?[assistant]", None, None)


def test_thoughts_are_told_from_the_answer() -> None:
    prepared = made(THINKING)
    read = answer(prepared, "<think>\nIt is May.\n</think>\n\nWarm.")
    assert (read.reasoning, read.content) == ("It is May.", "Warm.")
    assert answer(prepared, "Warm: <think> is a tag.").content == "Warm: <think> is a tag."


def test_thoughts_that_the_prompt_opens() -> None:
    prepared = made(OPENED)
    assert prepared.prompt.endswith("<think>\n")
    read = answer(prepared, "It is May.\n</think>\nWarm.")
    assert (read.reasoning, read.content) == ("It is May.", "Warm.")


def test_a_model_that_is_not_to_think() -> None:
    told = made(THINKING, thinking=False)
    assert told.prompt.endswith("<think>\n\n</think>\n\n")
    assert told.reader is None
    closed = made(OPENED, thinking=False)
    assert closed.prompt.endswith("<think>\n\n</think>\n\n")
    assert closed.reader is None
    assert made(THINKING, thinking=True).prompt.endswith("assistant\n")


def test_an_answer_in_a_form_may_be_thought_about_first() -> None:
    prepared = made(THINKING, schema=True)
    assert prepared.constraint is not None
    for text in ('{"a": 1}', '<think>\nHm <t>.\n</think>\n\n{"a": 1}'):
        assert allowed(prepared.constraint.gbnf, text)
    assert not allowed(prepared.constraint.gbnf, "<think>Hm.</think>Warm.")
    opened = made(OPENED, schema=True).constraint
    assert opened is not None
    assert allowed(opened.gbnf, "Hm.</think>{}")
    assert not allowed(opened.gbnf, "{}")


def test_a_beginning_of_the_answer_is_continued() -> None:
    assert made(PLAIN, USER, BEGUN).prompt == "[user]How warm is it?[assistant]It is"
    assert made(OPENED, USER, BEGUN).prompt.endswith("<think>\n\n</think>\n\nIt is")
    assert made(OPENED, USER, BEGUN).reader is None
    assert made(PLAIN, USER, {"role": "assistant", "content": ""}) == made(PLAIN)


def test_a_thought_that_has_begun_is_continued() -> None:
    prepared = made(THINKING, USER, {"role": "assistant", "content": "<think>Now"})
    assert prepared.prompt.endswith("assistant\n<think>Now")
    read = answer(prepared, " May.</think>Warm.")
    assert (read.reasoning, read.content) == ("May.", "Warm.")


def test_a_final_message_that_has_begun_is_continued() -> None:
    harmony = FAMILIES[-1].template
    prepared = made(harmony, USER, BEGUN)
    assert prepared.prompt.endswith("<|start|>assistant<|channel|>final<|message|>It is")
    assert answer(prepared, " warm.").content == " warm."


def test_a_template_without_tools_gets_them_in_words() -> None:
    prepared = made(PLAIN, {"role": "system", "content": "Be brief."}, USER, tools=TOOLS)
    head, _, rest = prepared.prompt.partition("[user]")
    assert head.startswith("[system]Be brief.\n\n")
    assert '"name": "weather"' in head
    assert "<tool_call>" in head
    assert rest == "How warm is it?[assistant]"
    read = answer(prepared, '<tool_call>{"name": "clock", "arguments": {}}</tool_call>')
    assert [call.name for call in read.calls] == ["clock"]


def test_a_template_that_leaves_calls_out_gets_them_as_text() -> None:
    function = {"name": "clock", "arguments": '{"zone": "CET"}'}
    calls = [{"id": "1", "type": "function", "function": function}]
    messages = [
        USER,
        {"role": "assistant", "content": "I look.", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "1", "content": "noon"},
        {"role": "user", "content": "Thanks."},
    ]
    assert made(PLAIN, *messages).prompt == (
        "[user]How warm is it?[assistant]I look.\n<tool_call>\n"
        '{"name": "clock", "arguments": {"zone": "CET"}}\n</tool_call>'
        "[user]<tool_response>\nnoon\n</tool_response>\nThanks.[assistant]"
    )


def test_a_format_that_is_not_known_counts_as_none() -> None:
    prepared = made(chatml(" CALL {{ f.name }} WITH {{ f.arguments | tojson }}"), tools=TOOLS)
    assert "You can call tools." in prepared.prompt
    assert "<tools>" not in prepared.prompt


def test_no_tools_are_shown_to_a_model_that_must_not_call() -> None:
    prepared = made(HERMES, tools=TOOLS, tool_choice="none")
    assert prepared == made(HERMES)
    assert prepared.reader is None


def test_only_the_named_tool_is_a_call() -> None:
    prepared = made(HERMES, tools=TOOLS, tool_choice=NamedTool("clock"))
    assert prepared.constraint is not None
    assert '"clock' in prepared.constraint.gbnf.replace("\\", "")
    other = '<tool_call>{"name": "weather", "arguments": {}}</tool_call>'
    assert answer(prepared, other).content == other


def test_names_for_the_template() -> None:
    template = "{% for m in messages %}{{ m.content }}{% endfor %}{{ effort | default('none') }}"
    assert made(template, template_arguments={"effort": "high"}).prompt.endswith("high")
    for name in ("messages", "tools", "add_generation_prompt", "bos_token"):
        with pytest.raises(ToolError, match=f"'{name}' cannot be set"):
            made(template, template_arguments={name: []})


def test_the_clients_own_grammar() -> None:
    prepared = made(PLAIN, gbnf='root ::= "yes" | "no"')
    assert prepared.constraint is not None
    assert prepared.constraint.triggers == ()
    assert allowed(prepared.constraint.gbnf, "yes")


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("gbnf", {"gbnf": "root ::= missing"}),
        ("gbnf", {"gbnf": 'root ::= "a"', "tools": TOOLS}),
        ("gbnf", {"gbnf": 'root ::= "a"', "schema": True}),
        ("schema", {"schema": {"type": "strong"}}),
        ("tool_choice", {"tool_choice": "required"}),
        ("tool_choice", {"tool_choice": NamedTool("other"), "tools": TOOLS}),
        ("tools[0].type", {"tools": [{"type": "web_search"}]}),
        ("tools[0].function", {"tools": [{"type": "function"}]}),
        ("tools[0].function.name", {"tools": [tool("a b")]}),
        ("tools[0].function.name", {"tools": [tool("a>")]}),
        ("tools[1].function.name", {"tools": [tool("a"), tool("a")]}),
        ("tools[0].function.description", {"tools": [tool("a", description=5)]}),
        ("tools[0].function.parameters", {"tools": [tool("a", [])]}),
        ("tools[0].function.parameters.type", {"tools": [tool("a", {"type": "array"})]}),
    ],
)
def test_what_cannot_be_done_is_told_with_its_field(field: str, more: dict[str, Any]) -> None:
    with pytest.raises(ToolError) as caught:
        made(HERMES, **more)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("messages[0].content", {"role": "user", "content": 5}),
        ("messages[0].content[0]", {"role": "user", "content": [{"type": "image_url"}]}),
        (
            "messages[0].tool_calls[0].function",
            {"role": "assistant", "tool_calls": [{"id": "1"}]},
        ),
        (
            "messages[0].tool_calls[0].function.name",
            {"role": "assistant", "tool_calls": [{"id": "1", "function": {}}]},
        ),
    ],
)
def test_messages_that_are_none_are_told(field: str, message: dict[str, Any]) -> None:
    with pytest.raises(ToolError) as caught:
        made(HERMES, message, USER)
    assert caught.value.field == field


def test_a_template_that_refuses_says_why() -> None:
    with pytest.raises(TemplateError, match="only on Sundays"):
        made("{{ raise_exception('only on Sundays') }}")


@pytest.mark.parametrize("template", [PLAIN, HERMES])
def test_what_is_nested_too_deep_is_told(template: str) -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    function = {"name": "clock", "arguments": {"a": deep}}
    calls = [{"id": "1", "type": "function", "function": function}]
    with pytest.raises(TemplateError):
        made(template, USER, {"role": "assistant", "content": "", "tool_calls": calls}, USER)
    schema = {"type": "object", "properties": {"a": deep}}
    with pytest.raises((TemplateError, ToolError)):
        made(template, tools=[tool("clock", schema)])


def test_a_template_that_wants_parts_gets_them() -> None:
    template = (
        "{% for m in messages %}[{{ m.role }}]{% for part in m.content %}"
        "{{ part.text }}{% endfor %}{% endfor %}"
    )
    assert made(template).prompt == "[user]How warm is it?"


@pytest.mark.parametrize(("choice", "content"), [("required", ""), ("auto", "<tool_c")])
def test_a_call_that_had_to_come_and_was_cut_off_is_no_text(choice: Choice, content: str) -> None:
    prepared = made(HERMES, tools=[tool("clock")], tool_choice=choice)
    assert prepared.reader is not None
    answer = parse("<tool_c", prepared.reader())
    assert (answer.content, answer.calls) == (content, [])


def test_a_tool_without_parameters_takes_none() -> None:
    prepared = made(HERMES, tools=[tool("clock")], tool_choice="required")
    assert prepared.constraint is not None
    call = '<tool_call>\n{{"name": "clock", "arguments": {}}}\n</tool_call>'
    assert allowed(prepared.constraint.gbnf, call.format("{}"))
    assert not allowed(prepared.constraint.gbnf, call.format('{"a": 1}'))
