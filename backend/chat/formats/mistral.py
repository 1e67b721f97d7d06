"""Mistral: ``[TOOL_CALLS]`` and a list of objects, or a name, ``[ARGS]`` and its arguments."""

from __future__ import annotations

from backend.chat.call_rules import MOST_CALLS, Book, quoted
from backend.chat.formats.base import Format
from backend.chat.formats.json_call import call_rule, read_calls
from backend.chat.reading import Reading, arguments
from backend.chat.source import Steps
from backend.chat.tools import Tool

_OPEN, _ARGS, _ID = "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"
_ID_RULE = "[a-zA-Z0-9]{9}"


class MistralList(Format):
    """All calls in one list."""

    name = "mistral"
    triggers = (_OPEN,)
    example = f'{_OPEN}[{{"name": "NAME", "arguments": {{"KEY": "value"}}}}]'
    id_size = 9

    def read_calls(self, reading: Reading, marker: str) -> Steps[None]:
        """Reads either form, whichever the template has."""
        source = reading.source
        yield from source.expect(marker)
        yield from source.skip_space()
        if (yield from source.peek()) in ("[", "{"):
            return (yield from read_calls(reading))
        head = yield from source.collect(_ARGS)
        name, _, _ = head.partition(_ID)
        call = reading.begin(name.strip())
        yield call
        yield from source.skip_space()
        return (yield from arguments(reading, call.index))

    def call(self, book: Book, tool: Tool, prefix: str) -> str:
        """An object; models of this family give it an id."""
        more = f'( ", \\"id\\": \\"" {_ID_RULE} "\\"" )?'
        return call_rule(book, tool, prefix, more=more)

    def several(self, *, parallel: bool) -> str:
        """A list, of one call or more."""
        more = f' ( "," " "? call ){{0,{MOST_CALLS - 1}}}' if parallel else ""
        return f'"{_OPEN}" " "? "[" call{more} "]"'


class MistralArgs(MistralList):
    """Each call with a marker of its own."""

    name = "mistral-args"
    example = f'{_OPEN}NAME{_ARGS}{{"KEY": "value"}}'

    def __init__(self, *, with_id: bool) -> None:
        """Takes whether calls carry an id."""
        self._id = f"( {quoted(_ID)} {_ID_RULE} )? " if with_id else ""

    def call(self, book: Book, tool: Tool, prefix: str) -> str:
        """Marker, name, id, arguments."""
        rule = book.arguments(tool, prefix + "-a")
        return f"{quoted(_OPEN + tool.name)} {self._id}{quoted(_ARGS)} {rule}"

    def several(self, *, parallel: bool) -> str:
        """One after the other."""
        return Format.several(self, parallel=parallel)


def recognise(template: str) -> Format | None:
    """By the markers."""
    if _OPEN not in template:
        return None
    return MistralArgs(with_id=_ID in template) if _ARGS in template else MistralList()
