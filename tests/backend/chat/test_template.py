"""Chat templates, rendered as their authors expect."""

from __future__ import annotations

import re

import pytest

from backend.chat.template import ChatTemplate, TemplateError, fold_system

USER = {"role": "user", "content": "Hi"}
SYSTEM = {"role": "system", "content": "Be brief."}
NO_SYSTEM = (
    "{% for m in messages %}{% if m.role == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "[{{ m.role }}:{{ m.content }}]{% endfor %}"
)


def test_a_file_without_a_template_gets_chatml() -> None:
    assert ChatTemplate(None).render([SYSTEM, USER]) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_special_tokens_are_known_by_name() -> None:
    template = ChatTemplate(
        "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}", "<s>", "</s>"
    )
    assert template.render([USER]) == "<s>Hi</s>"


def test_a_refused_system_message_moves_into_the_first_user_turn() -> None:
    assert ChatTemplate(NO_SYSTEM).render([SYSTEM, USER]) == "[user:Be brief.\n\nHi]"


def test_a_system_message_without_a_user_turn_becomes_one() -> None:
    assert fold_system([SYSTEM]) == [{"role": "user", "content": "Be brief."}]


def test_other_refusals_are_told() -> None:
    template = ChatTemplate("{{ raise_exception('Roles must alternate') }}")
    with pytest.raises(TemplateError, match="Roles must alternate"):
        template.render([USER])


def test_a_broken_template_is_told() -> None:
    with pytest.raises(TemplateError, match="broken"):
        ChatTemplate("{% if %}")


def test_a_missing_name_is_told() -> None:
    with pytest.raises(TemplateError, match="nothing"):
        ChatTemplate("{{ nothing.at.all }}").render([USER])


def test_blocks_leave_no_blank_lines() -> None:
    source = (
        "{% for m in messages %}\n    {% if true %}\n{{ m.content }}\n    {% endif %}\n{% endfor %}"
    )
    assert ChatTemplate(source).render([USER, USER]) == "Hi\nHi\n"


def test_loops_can_be_left() -> None:
    source = "{% for m in messages %}{{ m.content }}{% break %}{% endfor %}"
    assert ChatTemplate(source).render([USER, USER]) == "Hi"


def test_json_keeps_html_and_unicode() -> None:
    source = "{{ messages[0].content | tojson }}"
    assert ChatTemplate(source).render([{"role": "user", "content": "<é&>"}]) == '"<é&>"'


def test_json_can_be_indented() -> None:
    source = "{{ {'a': 1} | tojson(indent=2) }}"
    assert ChatTemplate(source).render([USER]) == '{\n  "a": 1\n}'


def test_the_date_is_known() -> None:
    rendered = ChatTemplate("{{ strftime_now('%Y-%m-%d') }}").render([USER])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", rendered)


@pytest.mark.parametrize(
    "source",
    ["{{ ''.__class__.__mro__ }}", "{{ messages.append(1) }}", "{{ messages[0].update(a=1) }}"],
)
def test_the_sandbox_holds(source: str) -> None:
    with pytest.raises(TemplateError):
        ChatTemplate(source).render([USER])


@pytest.mark.parametrize(
    ("source", "calls"),
    [
        ("{{ messages[0].tool_calls | tojson(2) }}", "deep"),
        ("{{ messages[0].tool_calls.x.y }}", 1),
        ("{{ messages[0].tool_calls | first / 0 }}", [1]),
        ("{{ '%s %s' | format(messages[0].tool_calls) }}", 1),
        ("{{ '{a}' .format(messages[0].tool_calls) }}", 1),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_messages_that_a_template_does_not_expect(source: str, calls: object) -> None:
    if calls == "deep":
        calls = []
        for _ in range(5000):
            calls = [calls]
    with pytest.raises(TemplateError, match="refuses"):
        ChatTemplate(source, "", "").render([{"role": "user", "content": "", "tool_calls": calls}])
