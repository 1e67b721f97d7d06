"""Chat templates: from messages to the text a model continues.

Rendered as Hugging Face does, since the templates in model files were written for that: a sandbox,
trimmed blocks, loop controls, a ``tojson`` that leaves HTML alone, ``strftime_now`` and
``raise_exception``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import jinja2
import jinja2.ext
import jinja2.meta
import jinja2.nodes
import jinja2.parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

Message = Mapping[str, Any]

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""Used for a model file that brings no template."""


class TemplateError(Exception):
    """The template is broken, or refuses these messages; the text says which."""


class ChatTemplate:
    """A model's chat template."""

    def __init__(self, source: str | None, bos: str = "", eos: str = "") -> None:
        """Compiles a template; ChatML when there is none.

        Args:
            source: The Jinja source from the model file.
            bos: Text of the token that begins a sequence.
            eos: Text of the token that ends a sequence.

        Raises:
            TemplateError: It is no valid Jinja.
        """
        self.source = source or CHATML
        self._specials = {"bos_token": bos, "eos_token": eos}
        environment = _environment()
        try:
            self._names = jinja2.meta.find_undeclared_variables(environment.parse(self.source))
            self._template = environment.from_string(self.source)
        except jinja2.TemplateError as error:
            raise TemplateError(f"the model's chat template is broken: {error}") from error

    def render(
        self,
        messages: Sequence[Message],
        tools: Sequence[Mapping[str, Any]] = (),
        arguments: Mapping[str, Any] | None = None,
    ) -> str:
        """The prompt for the assistant's next turn.

        A template that refuses a system message gets it again as part of the first user turn.

        Args:
            messages: The conversation.
            tools: What the model may call; the template is to know of none when it is empty.
            arguments: Further names for the template.

        Raises:
            TemplateError: The template fails on these messages.
        """
        names = {**self._legacy(tools), **(arguments or {})}
        if tools:
            names["tools"] = list(tools)
        try:
            return self._render(messages, names)
        except TemplateError:
            folded = fold_system(messages)
            if folded is None:
                raise
            return self._render(folded, names)

    def uses(self, name: str) -> bool:
        """Whether it looks at a name that it is given."""
        return name in self._names

    def _legacy(self, tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What some older templates insist on."""
        known = {
            "functions": _to_json(tools, indent=4) if tools else "",
            "datetime": _now("%Y-%m-%d %H:%M"),
        }
        return {name: value for name, value in known.items() if name in self._names}

    def _render(self, messages: Sequence[Message], names: Mapping[str, Any]) -> str:
        given = {"messages": list(messages), "add_generation_prompt": True}
        try:
            return self._template.render({**names, **self._specials, **given})
        except _ITS_OWN as error:
            raise TemplateError(f"the model's chat template refuses: {error}") from error


_ITS_OWN = (
    *(jinja2.TemplateError, TypeError, ValueError, ArithmeticError),
    *(AttributeError, LookupError, RecursionError),
)
"""What a template can fail with on messages that it does not expect."""


def fold_system(messages: Sequence[Message]) -> list[Message] | None:
    """The messages with the system texts at the start of the first user turn instead.

    Returns:
        None when there is no system message to move.
    """
    system = [_words(message["content"]) for message in messages if message["role"] == "system"]
    if not system:
        return None
    others = [message for message in messages if message["role"] != "system"]
    for position, message in enumerate(others):
        if message["role"] == "user":
            others[position] = {**message, "content": _before(system, message["content"])}
            return others
    return [{"role": "user", "content": "\n\n".join(system)}, *others]


def _words(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content)
    return str(content)


def _before(texts: Sequence[str], content: object) -> object:
    if isinstance(content, list):
        return [{"type": "text", "text": text} for text in texts] + content
    return "\n\n".join([*texts, str(content)])


class _Generation(jinja2.ext.Extension):
    """``{% generation %}``, which marks what a model is trained on: here it is what is inside."""

    def __init__(self, environment: jinja2.Environment) -> None:
        """Takes the environment that it is a part of."""
        super().__init__(environment)
        self.tags = {"generation"}

    def parse(self, parser: jinja2.parser.Parser) -> list[jinja2.nodes.Node]:
        """The nodes of the block."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols", _Generation],
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = _now
    return environment


def _to_json(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
        default=_listed,
    )


def _listed(value: object) -> list[object]:
    """What ``map`` and its like give, which is no list yet."""
    if isinstance(value, Iterator):
        return list(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)


def _now(form: str) -> str:
    return datetime.now().strftime(form)
