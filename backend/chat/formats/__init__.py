"""The formats of tool calls, one file each."""

from __future__ import annotations

from collections.abc import Iterator

from backend.chat.formats import deepseek, glm, harmony, hermes, invoke, llama, mistral, qwen_coder
from backend.chat.formats.base import Format

_FAMILIES = (harmony, deepseek, invoke, mistral, qwen_coder, glm, hermes, llama)
"""The more special ones first: several have a tag of Hermes in their templates."""


def candidates(template: str) -> Iterator[Format]:
    """The formats whose markers a template has."""
    for family in _FAMILIES:
        if (found := family.recognise(template)) is not None:
            yield found
