"""Families of models for tests: a template of each, and how it writes an answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Calls = Sequence[tuple[str, Mapping[str, Any]]]

CHATML_HEAD = (
    "{% for m in messages %}<|im_start|>{{ 'user' if m.role == 'tool' else m.role }}\n"
    "{% if m.role == 'tool' %}<tool_response>\n{{ m.content }}\n</tool_response>"
    "{% else %}{{ m.content }}{% endif %}"
    "{% for c in m.tool_calls or [] %}{% set f = c.function %}"
)
CHATML_TAIL = (
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TOOLS = "{% if tools %}<tools>{% for t in tools %}{{ t | tojson }}\n{% endfor %}</tools>{% endif %}"


def chatml(call: str) -> str:
    """A template of ChatML's kind with this way of writing the call ``f``."""
    return TOOLS + CHATML_HEAD + call + CHATML_TAIL


@dataclass(frozen=True)
class Family:
    """A family of models.

    Attributes:
        name: Of its format.
        template: Its chat template.
        write: How its models write text and calls.
    """

    name: str
    template: str
    write: Callable[[str, Calls], str]


def _joined(text: str, calls: Sequence[str]) -> str:
    return "\n".join([text, *calls] if text else calls)


def _json(name: str, arguments: Mapping[str, Any], key: str = "arguments") -> str:
    return json.dumps({"name": name, key: arguments}, ensure_ascii=False)


def _hermes(text: str, calls: Calls) -> str:
    return _joined(text, [f"<tool_call>\n{_json(*call)}\n</tool_call>" for call in calls])


def _qwen_coder(text: str, calls: Calls) -> str:
    def one(name: str, arguments: Mapping[str, Any]) -> str:
        inner = "".join(
            f"<parameter={key}>\n{_value(value)}\n</parameter>\n"
            for key, value in arguments.items()
        )
        return f"<tool_call>\n<function={name}>\n{inner}</function>\n</tool_call>"

    return _joined(text, [one(*call) for call in calls])


def _glm(text: str, calls: Calls) -> str:
    def one(name: str, arguments: Mapping[str, Any]) -> str:
        inner = "".join(
            f"<arg_key>{key}</arg_key>\n<arg_value>{_value(value)}</arg_value>\n"
            for key, value in arguments.items()
        )
        return f"<tool_call>{name}\n{inner}</tool_call>"

    return _joined(text, [one(*call) for call in calls])


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _llama(text: str, calls: Calls) -> str:
    listed = "; ".join(_json(*call, key="parameters") for call in calls)
    return _joined(text, [listed] if calls else [])


def _mistral(text: str, calls: Calls) -> str:
    listed = ", ".join(_json(*call)[:-1] + ', "id": "abcDEF123"}' for call in calls)
    return f"{text}[TOOL_CALLS][{listed}]" if calls else text


def _mistral_args(text: str, calls: Calls) -> str:
    return text + "".join(
        f"[TOOL_CALLS]{name}[CALL_ID]abcDEF123[ARGS]{json.dumps(arguments, ensure_ascii=False)}"
        for name, arguments in calls
    )


def _deepseek(text: str, calls: Calls) -> str:
    listed = [
        f"<｜tool▁call▁begin｜>{name}<｜tool▁sep｜>{json.dumps(arguments, ensure_ascii=False)}"
        "<｜tool▁call▁end｜>"
        for name, arguments in calls
    ]
    return text + _section(listed)


def _deepseek_fenced(text: str, calls: Calls) -> str:
    listed = [
        f"<｜tool▁call▁begin｜>function<｜tool▁sep｜>{name}\n```json\n"
        f"{json.dumps(arguments, ensure_ascii=False)}\n```<｜tool▁call▁end｜>"
        for name, arguments in calls
    ]
    return text + _section(listed)


def _section(calls: Sequence[str]) -> str:
    inner = "\n".join(calls)
    return f"<｜tool▁calls▁begin｜>{inner}<｜tool▁calls▁end｜>" if calls else ""


def _dsml(text: str, calls: Calls) -> str:
    def one(name: str, arguments: Mapping[str, Any]) -> str:
        inner = "".join(
            f'<｜DSML｜parameter name="{key}" string="{str(isinstance(value, str)).lower()}">'
            f"{_value(value)}</｜DSML｜parameter>\n"
            for key, value in arguments.items()
        )
        return f'<｜DSML｜invoke name="{name}">\n{inner}</｜DSML｜invoke>\n'

    listed = "".join(one(*call) for call in calls)
    section = f"<｜DSML｜function_calls>\n{listed}</｜DSML｜function_calls>"
    return _joined(text, [section] if calls else [])


def _minimax(text: str, calls: Calls) -> str:
    def one(name: str, arguments: Mapping[str, Any]) -> str:
        inner = "".join(
            f'<parameter name="{key}">{_value(value)}</parameter>\n'
            for key, value in arguments.items()
        )
        return f'<invoke name="{name}">\n{inner}</invoke>\n'

    listed = "".join(one(*call) for call in calls)
    section = f"<minimax:tool_call>\n{listed}</minimax:tool_call>"
    return _joined(text, [section] if calls else [])


def _harmony(text: str, calls: Calls) -> str:
    said = [f"<|channel|>final<|message|>{text}<|end|>"] if text else []
    called = [
        f"<|channel|>commentary to=functions.{name} <|constrain|>json<|message|>"
        f"{json.dumps(arguments, ensure_ascii=False)}<|call|>"
        for name, arguments in calls
    ]
    return "<|start|>assistant".join([*said, *called])


FAMILIES = [
    Family(
        "hermes",
        chatml(
            '\n<tool_call>\n{"name": "{{ f.name }}", '
            '"arguments": {{ f.arguments | tojson }}}\n</tool_call>'
        ),
        _hermes,
    ),
    Family(
        "qwen-coder",
        chatml(
            "\n<tool_call>\n<function={{ f.name }}>\n{% for k, v in f.arguments | items %}"
            "<parameter={{ k }}>\n{{ v if v is string else v | tojson }}\n</parameter>\n"
            "{% endfor %}</function>\n</tool_call>"
        ),
        _qwen_coder,
    ),
    Family(
        "glm",
        chatml(
            "\n<tool_call>{{ f.name }}\n{% for k, v in f.arguments.items() %}"
            "<arg_key>{{ k }}</arg_key>\n"
            "<arg_value>{{ v if v is string else v | tojson }}</arg_value>\n"
            "{% endfor %}</tool_call>"
        ),
        _glm,
    ),
    Family(
        "llama",
        "{% for m in messages %}<|start_header_id|>"
        "{{ 'ipython' if m.role == 'tool' else m.role }}<|end_header_id|>\n\n"
        "{% if loop.first and tools %}"
        'Answer with {"name": function name, "parameters": dictionary of arguments}.\n'
        "{% for t in tools %}{{ t | tojson }}\n{% endfor %}{% endif %}"
        "{% if m.tool_calls %}{% if m.tool_calls | length > 1 %}"
        "{{ raise_exception('one call at a time') }}{% endif %}"
        "{% set f = m.tool_calls[0].function %}"
        '{"name": "{{ f.name }}", "parameters": {{ f.arguments | tojson }}}'
        "{% else %}{{ m.content }}{% endif %}<|eot_id|>{% endfor %}"
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        _llama,
    ),
    Family(
        "mistral",
        "{% for m in messages %}{% if m.role == 'user' %}"
        "{% if tools and loop.last %}[AVAILABLE_TOOLS]{{ tools | tojson }}[/AVAILABLE_TOOLS]"
        "{% endif %}"
        "[INST]{{ m.content }}[/INST]"
        "{% elif m.role == 'tool' %}{% if m.tool_call_id | length != 9 %}"
        "{{ raise_exception('ids have 9 characters') }}{% endif %}"
        "[TOOL_RESULTS]{{ m.content }}[/TOOL_RESULTS]"
        "{% elif m.role == 'system' %}{{ raise_exception('no system') }}"
        "{% elif m.tool_calls %}[TOOL_CALLS][{% for c in m.tool_calls %}"
        "{% if c.id | length != 9 %}{{ raise_exception('ids have 9 characters') }}{% endif %}"
        '{{ (c.function | tojson)[:-1] }}, "id": "{{ c.id }}"}'
        "{% if not loop.last %}, {% endif %}{% endfor %}]"
        "{% else %}{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}",
        _mistral,
    ),
    Family(
        "mistral-args",
        "{% for m in messages %}{% if m.role == 'user' %}[INST]{{ m.content }}[/INST]"
        "{% elif m.role == 'system' %}[SYSTEM_PROMPT]{{ m.content }}[/SYSTEM_PROMPT]"
        "{% if tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}[/AVAILABLE_TOOLS]{% endif %}"
        "{% elif m.role == 'tool' %}[TOOL_RESULTS]{{ m.content }}[/TOOL_RESULTS]"
        "{% else %}{{ m.content }}{% for c in m.tool_calls or [] %}"
        "[TOOL_CALLS]{{ c.function.name }}"
        "[CALL_ID]{{ c.id }}[ARGS]{{ c.function.arguments | tojson }}{% endfor %}"
        "{% endif %}{% endfor %}",
        _mistral_args,
    ),
    Family(
        "deepseek",
        "{% for m in messages %}<｜{{ m.role }}｜>{{ m.content }}"
        "{% for c in m.tool_calls or [] %}{% if loop.first %}<｜tool▁calls▁begin｜>{% endif %}"
        "<｜tool▁call▁begin｜>{{ c.function.name }}<｜tool▁sep｜>{{ c.function.arguments }}"
        "<｜tool▁call▁end｜>{% if loop.last %}<｜tool▁calls▁end｜>{% endif %}{% endfor %}"
        "{% endfor %}<｜assistant｜>",
        _deepseek,
    ),
    Family(
        "deepseek",
        "{% if tools %}{{ tools | map(attribute='function') | tojson }}{% endif %}"
        "{% for m in messages %}<｜{{ m.role }}｜>{% if m.tool_calls %}<｜tool▁calls▁begin｜>"
        "{% for c in m.tool_calls %}<｜tool▁call▁begin｜>{{ c.type }}<｜tool▁sep｜>"
        "{{ c.function.name }}\n```json\n{{ c.function.arguments | tojson }}\n```"
        "<｜tool▁call▁end｜>"
        "{% endfor %}<｜tool▁calls▁end｜>{% else %}{{ m.content }}{% endif %}"
        "{% endfor %}<｜assistant｜>",
        _deepseek_fenced,
    ),
    Family(
        "invoke",
        "{% set d = '｜DSML｜' %}{% if tools %}{{ tools | tojson }}{% endif %}"
        "{% for m in messages %}<｜{{ m.role }}｜>{{ m.content }}{% if m.tool_calls %}"
        "\n<{{ d }}function_calls>\n{% for c in m.tool_calls %}"
        '<{{ d }}invoke name="{{ c.function.name }}">\n'
        "{% for k, v in c.function.arguments | items %}"
        """<{{ d }}parameter name="{{ k }}" string="{{ 'true' if v is string else 'false' }}">"""
        "{{ v if v is string else v | tojson }}</{{ d }}parameter>\n{% endfor %}"
        "</{{ d }}invoke>\n{% endfor %}</{{ d }}function_calls>{% endif %}{% endfor %}"
        "<｜assistant｜>",
        _dsml,
    ),
    Family(
        "invoke",
        chatml(
            "{% if loop.first %}\n<minimax:tool_call>\n{% endif %}"
            '<invoke name="{{ f.name }}">\n{% for k, v in f.arguments | items %}'
            '<parameter name="{{ k }}">{{ v if v is string else v | tojson }}</parameter>\n'
            "{% endfor %}</invoke>\n{% if loop.last %}</minimax:tool_call>{% endif %}"
        ),
        _minimax,
    ),
    Family(
        "harmony",
        "{% if tools %}<|start|>developer<|message|># Tools\n{{ tools | tojson }}<|end|>{% endif %}"
        "{% for m in messages %}{% if m.tool_calls %}"
        "{% if m.content %}<|start|>assistant<|channel|>analysis<|message|>{{ m.content }}<|end|>"
        "{% endif %}"
        "<|start|>assistant to=functions.{{ m.tool_calls[0].function.name }}"
        "<|channel|>commentary json<|message|>"
        "{{ m.tool_calls[0].function.arguments | tojson }}<|call|>"
        "{% elif m.role == 'tool' %}<|start|>functions.{{ m.name }} to=assistant"
        "<|channel|>commentary<|message|>{{ m.content }}<|end|>"
        "{% elif m.role == 'assistant' %}"
        "<|start|>assistant<|channel|>final<|message|>{{ m.content }}<|end|>"
        "{% else %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endif %}{% endfor %}"
        "<|start|>assistant",
        _harmony,
    ),
]
IDS = [f"{family.name}-{number}" for number, family in enumerate(FAMILIES)]

THINKING = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n{% if enable_thinking is defined and not enable_thinking %}"
    "<think>\n\n</think>\n\n{% endif %}"
)
"""Thinks unless it is told not to."""
OPENED = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: <think>{{ '\n' }}"
)
"""Opens the thoughts itself, whatever it is told."""
