"""DeepSeek since V3.2, MiniMax: sections of ``<invoke name=…>`` with a tag for each argument."""

from __future__ import annotations

from backend.chat.call_rules import MOST_CALLS, Book, quoted
from backend.chat.formats.base import Format
from backend.chat.formats.tagged import Tags, members, read_arguments
from backend.chat.reading import Reading
from backend.chat.source import Source, Steps
from backend.chat.tools import Tool

_DSML, _MINIMAX = "｜DSML｜", "minimax:tool_call"
_TRUE, _FALSE = ' string="true"', ' string="false"'


class Invoke(Format):
    """A section of calls; arguments may say whether they are strings or JSON."""

    name = "invoke"

    def __init__(self, section: str, prefix: str = "", *, typed: bool = False) -> None:
        """Takes the section's tag, what all other tags begin with, and whether arguments say so."""
        self._open, self._close = f"<{section}>", f"</{section}>"
        self._invoke, self._invoke_end = f'<{prefix}invoke name="', f"</{prefix}invoke>"
        self._key, self._value_end = f'<{prefix}parameter name="', f"</{prefix}parameter>"
        text, other = (_TRUE, _FALSE) if typed else ("", "")
        self._tags = Tags(self._key, f'"{text}>', self._value_end, f'"{other}>')
        self.triggers = (self._open, self._invoke)
        inner = f'{self._key}KEY"{text}>value{self._value_end}'
        call = f'{self._invoke}NAME">\n{inner}\n{self._invoke_end}'
        self.example = f"{self._open}\n{call}\n{self._close}"

    def read_calls(self, reading: Reading, marker: str) -> Steps[None]:
        """Reads a call with what is left of its section's tags around it."""
        source = reading.source
        if (yield from source.maybe(self._open)):
            yield from source.skip_space()
        yield from source.expect(self._invoke)
        call = reading.begin((yield from source.collect('"')))
        yield from source.expect(">")
        ends = (self._value_end,)
        yield from read_arguments(reading, call, self._read_key, ends, self._invoke_end)
        yield from source.skip_space()
        yield from source.maybe(self._close)

    def _read_key(self, source: Source) -> Steps[tuple[str, bool | None]]:
        yield from source.expect(self._key)
        key = yield from source.collect('"')
        kind = yield from source.collect(">")
        return key, {_TRUE: True, _FALSE: False}.get(kind)

    def call(self, book: Book, tool: Tool, prefix: str) -> str:
        """One call of the section."""
        body = members(book, tool, prefix, self._tags)
        begin = quoted(f'{self._invoke}{tool.name}">')
        return f"{begin} space {body} {quoted(self._invoke_end)}"

    def several(self, *, parallel: bool) -> str:
        """A section, which may be without its opening where a call's own tag was first."""
        more = f"( space call ){{0,{MOST_CALLS - 1}}}" if parallel else ""
        return f"( {quoted(self._open)} )? space call {more} space ( {quoted(self._close)} )?"


def recognise(template: str) -> Format | None:
    """By the section's tag."""
    if _DSML in template:
        section = "function_calls" if "function_calls" in template else "tool_calls"
        return Invoke(_DSML + section, _DSML, typed=True)
    return Invoke(_MINIMAX) if f"<{_MINIMAX}>" in template else None
