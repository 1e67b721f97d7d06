"""Hermes and Qwen: ``<tool_call>{"name": …, "arguments": …}</tool_call>``."""

from __future__ import annotations

from backend.chat.call_rules import Book
from backend.chat.formats.base import Format
from backend.chat.formats.json_call import call_rule, read_calls
from backend.chat.reading import Reading
from backend.chat.source import Steps
from backend.chat.tools import Tool

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"


class Hermes(Format):
    """One object between two tags for each call."""

    name = "hermes"
    triggers = (_OPEN,)
    example = f'{_OPEN}\n{{"name": "NAME", "arguments": {{"KEY": "value"}}}}\n{_CLOSE}'

    def read_calls(self, reading: Reading, marker: str) -> Steps[None]:
        """Reads a call, or a list of them, and both tags."""
        source = reading.source
        yield from source.expect(marker)
        yield from source.skip_space()
        yield from read_calls(reading)
        yield from source.skip_space()
        yield from source.expect(_CLOSE)

    def call(self, book: Book, tool: Tool, prefix: str) -> str:
        """Between the tags there may be line breaks."""
        return f'"{_OPEN}" space {call_rule(book, tool, prefix)} space "{_CLOSE}"'


def recognise(template: str) -> Format | None:
    """By the tag, which other formats have too: those are asked first."""
    return Hermes() if _OPEN in template else None
