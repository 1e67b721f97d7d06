"""Structured lines for logs: what happened and its fields, put together only where somebody reads.

Nothing here is louder than INFO: a program that has set up no logging sees none of it.
"""

from __future__ import annotations

import json
import logging
import re

Value = str | int | float | bool | None

_PLAIN = re.compile(r"[^\s\"=\x00-\x1f\x7f]+")


class Line:
    """A log record's message: `event key=value …` as text, and its fields for other formats.

    Args:
        event: What happened, as a name with dots.
        fields: What is known of it; those that are None are left out.
    """

    __slots__ = ("event", "fields")

    def __init__(self, event: str, fields: dict[str, Value]) -> None:
        self.event = event
        self.fields = {name: value for name, value in fields.items() if value is not None}

    def __str__(self) -> str:
        pairs = (f"{name}={_shown(value)}" for name, value in self.fields.items())
        return " ".join((self.event, *pairs))


def log(logger: logging.Logger, level: int, event: str, /, **fields: Value) -> None:
    """Logs an event with its fields, which hold neither prompts nor answers nor keys."""
    if logger.isEnabledFor(level):
        logger.log(level, Line(event, fields), stacklevel=2)


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
