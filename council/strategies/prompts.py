"""Prompts with placeholders: checked when a panel file is read, filled in one pass.

A placeholder is a name in braces. Other braces are text, `{{name}}` stands for `{name}`, and what
is put in is never searched for placeholders itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from pydantic import AfterValidator

from council.messages import ChatMessage

_PLACEHOLDER = re.compile(r"\{(?P<plain>\{[A-Za-z_]\w*\})\}|\{(?P<name>[A-Za-z_]\w*)\}")


def has_placeholders(*names: str) -> AfterValidator:
    """A pydantic check that a text has exactly these placeholders, each at least once."""

    def check(text: str) -> str:
        found = {match["name"] for match in _PLACEHOLDER.finditer(text) if match["name"]}
        known = ", ".join(f"{{{name}}}" for name in names)
        for name in sorted(found.difference(names)):
            raise ValueError(
                f"there is no placeholder {{{name}}}: this prompt has {known}"
                f" (write {{{{{name}}}}} for the plain text {{{name}}})"
            )
        for name in names:
            if name not in found:
                raise ValueError(
                    f"the placeholder {{{name}}} is missing: this prompt needs {known}"
                )
        return text

    return AfterValidator(check)


def fill(prompt: str, **values: str) -> str:
    """The prompt with its placeholders replaced; braces in the values stay as they are."""

    def value(match: re.Match[str]) -> str:
        return match["plain"] or values[match["name"]]

    return _PLACEHOLDER.sub(value, prompt)


def conversation(messages: Sequence[ChatMessage], text: str) -> tuple[ChatMessage, ...]:
    """The conversation with another text in its last turn; images and the like stay."""
    *before, question = messages
    if isinstance(question.content, str):
        return (*before, replace(question, content=text))
    kept = tuple(part for part in question.content if "text" not in part)
    return (*before, replace(question, content=(*kept, {"type": "text", "text": text})))
