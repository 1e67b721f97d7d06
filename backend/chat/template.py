"""Chat templates: from messages to the text a model continues.

Rendered as Hugging Face does, since the templates in model files were written for that: a sandbox,
trimmed blocks, loop controls, a ``tojson`` that leaves HTML alone, ``strftime_now`` and
``raise_exception``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import jinja2
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
        self._specials = {"bos_token": bos, "eos_token": eos}
        try:
            self._template = _environment().from_string(source or CHATML)
        except jinja2.TemplateError as error:
            raise TemplateError(f"the model's chat template is broken: {error}") from error

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt for the assistant's next turn.

        A template that refuses a system message gets it again as part of the first user turn.

        Raises:
            TemplateError: The template fails on these messages.
        """
        try:
            return self._render(messages)
        except TemplateError:
            folded = fold_system(messages)
            if folded is None:
                raise
            return self._render(folded)

    def _render(self, messages: Sequence[Message]) -> str:
        try:
            return self._template.render(
                messages=list(messages), add_generation_prompt=True, **self._specials
            )
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
    system = [str(message["content"]) for message in messages if message["role"] == "system"]
    if not system:
        return None
    others = [message for message in messages if message["role"] != "system"]
    for position, message in enumerate(others):
        if message["role"] == "user":
            text = "\n\n".join([*system, str(message["content"])])
            others[position] = {**message, "content": text}
            return others
    return [{"role": "user", "content": "\n\n".join(system)}, *others]


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
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
    )


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)


def _now(form: str) -> str:
    return datetime.now().strftime(form)
