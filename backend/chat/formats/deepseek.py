"""DeepSeek: ``<｜tool▁call▁begin｜>``, a name, ``<｜tool▁sep｜>`` and arguments, fenced or bare."""

from __future__ import annotations

from backend.chat.call_rules import MOST_CALLS, Book, quoted
from backend.chat.formats.base import Format
from backend.chat.reading import Reading, arguments
from backend.chat.source import Steps
from backend.chat.tools import Tool

_CALLS, _CALLS_END = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
_CALL, _CALL_END = "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>"
_SEPARATOR, _KIND, _FENCE = "<｜tool▁sep｜>", "function", "```"


class DeepSeek(Format):
    """A section of calls, each between two markers."""

    name = "deepseek"
    triggers = (_CALLS, _CALL)

    def __init__(self, *, fenced: bool) -> None:
        """Takes whether arguments stand in a block of code, after their kind and name."""
        self._fenced = fenced
        shown = self._shown("NAME", '{"KEY": "value"}')
        self.example = f"{_CALLS}{_CALL}{shown}{_CALL_END}{_CALLS_END}"

    def read_calls(self, reading: Reading, marker: str) -> Steps[None]:
        """Reads a call with what is left of its section's markers around it."""
        source = reading.source
        if (yield from source.maybe(_CALLS)):
            yield from source.skip_space()
        yield from self._read_call(reading)
        yield from source.skip_space()
        yield from source.maybe(_CALLS_END)

    def _read_call(self, reading: Reading) -> Steps[None]:
        source = reading.source
        yield from source.expect(_CALL)
        name = yield from source.collect(_SEPARATOR)
        fenced = name.strip() == _KIND
        if fenced:
            name = yield from source.collect("\n")
            yield from source.skip_space()
            yield from source.expect(_FENCE + "json")
        call = reading.begin(name.strip())
        yield call
        yield from source.skip_space()
        yield from arguments(reading, call.index)
        yield from source.skip_space()
        if fenced:
            yield from source.expect(_FENCE)
            yield from source.skip_space()
        yield from source.expect(_CALL_END)

    def call(self, book: Book, tool: Tool, prefix: str) -> str:
        """Marker, name, arguments, marker."""
        before, after = self._shown(tool.name, "\0").split("\0")
        rule = book.arguments(tool, prefix + "-a")
        return f"{quoted(_CALL + before)} {rule} {quoted(after + _CALL_END)}"

    def several(self, *, parallel: bool) -> str:
        """A section, which may be without its opening where the call's own marker was first."""
        more = f"( space call ){{0,{MOST_CALLS - 1}}}" if parallel else ""
        return f"( {quoted(_CALLS)} )? space call {more} space ( {quoted(_CALLS_END)} )?"

    def _shown(self, name: str, arguments: str) -> str:
        if not self._fenced:
            return f"{name}{_SEPARATOR}{arguments}"
        return f"{_KIND}{_SEPARATOR}{name}\n{_FENCE}json\n{arguments}\n{_FENCE}"


def recognise(template: str) -> Format | None:
    """By the marker of a call."""
    return DeepSeek(fenced=_FENCE + "json" in template) if _CALL in template else None
