"""GLM: ``<tool_call>`` with the name and pairs of ``<arg_key>`` and ``<arg_value>``."""

from __future__ import annotations

from backend.chat.call_rules import Book, quoted
from backend.chat.formats.base import Format
from backend.chat.formats.tagged import Tags, members, read_arguments
from backend.chat.reading import Reading
from backend.chat.source import Source, Steps
from backend.chat.tools import Tool

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
_KEY, _KEY_END = "<arg_key>", "</arg_key>"
_VALUE, _VALUE_END = "<arg_value>", "</arg_value>"


class Glm(Format):
    """Text in tags, as it is."""

    name = "glm"
    triggers = (_OPEN,)
    example = f"{_OPEN}NAME\n{_KEY}KEY{_KEY_END}\n{_VALUE}value{_VALUE_END}\n{_CLOSE}"

    def __init__(self, *, lines: bool = True) -> None:
        """Takes whether key and value stand on lines of their own."""
        self._gap = "\n" if lines else ""

    def read_calls(self, reading: Reading, marker: str) -> Steps[None]:
        """Reads a call and the tag around it."""
        source = reading.source
        yield from source.expect(marker)
        call = reading.begin((yield from _name(reading)))
        yield from read_arguments(reading, call, _read_key, (_VALUE_END,), _CLOSE)

    def call(self, book: Book, tool: Tool, prefix: str) -> str:
        """A line for each tag, as templates show it, or all in one."""
        tags = Tags(_KEY, f"{_KEY_END}{self._gap}{_VALUE}", _VALUE_END)
        body = members(book, tool, prefix, tags)
        return f'"{_OPEN}" space {quoted(tool.name)} space {body} "{_CLOSE}"'


def _read_key(source: Source) -> Steps[tuple[str, bool | None]]:
    yield from source.expect(_KEY)
    key = yield from source.collect(_KEY_END)
    yield from source.skip_space()
    yield from source.expect(_VALUE)
    return key, None


def _name(reading: Reading) -> Steps[str]:
    """The text up to the next tag or line."""
    source, name = reading.source, ""
    yield from source.skip_space()
    while (yield from source.peek()) not in ("<", "\n", ""):
        name += source.take(1)
    return name.strip()


def recognise(template: str) -> Format | None:
    """By the tag of a key."""
    return Glm(lines=f"{_KEY_END}{_VALUE}" not in template) if _KEY in template else None
