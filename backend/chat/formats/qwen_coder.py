"""Qwen3-Coder: ``<function=…>`` with one ``<parameter=…>`` for each argument."""

from __future__ import annotations

from backend.chat.call_rules import Book, quoted
from backend.chat.formats.base import Format
from backend.chat.formats.tagged import Tags, members, read_arguments
from backend.chat.reading import Reading
from backend.chat.source import Source, Steps
from backend.chat.tools import Tool

_FUNCTION, _FUNCTION_END = "<function=", "</function>"
_PARAMETER, _PARAMETER_END = "<parameter=", "</parameter>"
_TAGS = Tags(_PARAMETER, ">\n", "\n" + _PARAMETER_END)


class QwenCoder(Format):
    """Text in tags; only the tool's schema tells the number 5 from the string."""

    name = "qwen-coder"

    def __init__(self, tag: str = "tool_call") -> None:
        """Takes the name of the tag around a call."""
        self._open, self._close = f"<{tag}>", f"</{tag}>"
        self.triggers = (self._open, _FUNCTION)
        inner = f"{_FUNCTION}NAME>\n{_PARAMETER}KEY>\nvalue\n{_PARAMETER_END}\n{_FUNCTION_END}"
        self.example = f"{self._open}\n{inner}\n{self._close}"

    def read_calls(self, reading: Reading, marker: str) -> Steps[None]:
        """Reads a call; the tag around it may be missing."""
        source = reading.source
        if (yield from source.maybe(self._open)):
            yield from source.skip_space()
        yield from source.expect(_FUNCTION)
        call = reading.begin((yield from source.collect(">")).strip())
        ends = ("\n" + _PARAMETER_END, _PARAMETER_END)
        yield from read_arguments(reading, call, _read_key, ends, _FUNCTION_END)
        yield from source.skip_space()
        yield from source.maybe(self._close)

    def call(self, book: Book, tool: Tool, prefix: str) -> str:
        """With or without the tag around it, since some models begin without."""
        body = members(book, tool, prefix, _TAGS)
        inner = f'{quoted(_FUNCTION + tool.name + ">")} space {body} "{_FUNCTION_END}"'
        return f'( "{self._open}" )? space {inner} space ( "{self._close}" )?'


def _read_key(source: Source) -> Steps[tuple[str, bool | None]]:
    yield from source.expect(_PARAMETER)
    key = yield from source.collect(">")
    yield from source.maybe("\n")
    return key, None


def recognise(template: str) -> Format | None:
    """By the tags of function and parameter."""
    if _FUNCTION not in template or _PARAMETER not in template:
        return None
    return QwenCoder("seed:tool_call") if "<seed:tool_call>" in template else QwenCoder()
