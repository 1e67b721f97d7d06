"""Llama 3: ``{"name": …, "parameters": …}``, with or without ``<|python_tag|>`` before it."""

from __future__ import annotations

from collections.abc import Sequence

from backend.chat.call_rules import Book, json_text
from backend.chat.formats.base import Format, Thinking
from backend.chat.formats.json_call import call_rule, read_call
from backend.chat.reading import Reading, attempt
from backend.chat.source import Steps
from backend.chat.tools import Tool

_TAG = "<|python_tag|>"


class Llama(Format):
    """A bare object; nothing but a tool's name tells it from an answer in JSON."""

    name = "llama"
    triggers = (_TAG, '{"name":')
    example = '{"name": "NAME", "parameters": {"KEY": "value"}}'
    single = True

    def triggers_of(self, tools: Sequence[Tool]) -> tuple[str, ...]:
        """With the tool's name, so that an answer in JSON is none."""
        names = [json_text(tool.name) for tool in tools]
        return (_TAG, *(f'{{"name":{space}{name}' for name in names for space in ("", " ")))

    def read(self, reading: Reading, thinking: Thinking | None) -> Steps[None]:
        """An object at the beginning may be written in any way."""
        if reading.callable and not reading.sure:
            begin = reading.source.mark()
            yield from reading.source.skip_space()
            found = yield from attempt(reading, self.read_calls(reading, ""))
            reading.source.release(None if found else begin)
            if found:
                yield from reading.source.skip_space()
        yield from super().read(reading, thinking)

    def read_calls(self, reading: Reading, marker: str) -> Steps[None]:
        """Reads the tag, if it is there, and objects, which a semicolon may part."""
        source = reading.source
        if (yield from source.maybe(_TAG)):
            yield from source.skip_space()
        yield from read_call(reading)
        yield from source.maybe(";")

    def call(self, book: Book, tool: Tool, prefix: str) -> str:
        """Without the tag too, as templates show it."""
        return f'"{_TAG}"? space {call_rule(book, tool, prefix, "parameters")}'

    def several(self, *, parallel: bool) -> str:
        """These models are made for one call at a time."""
        return "call"


def recognise(template: str) -> Format | None:
    """By how the template tells the model to answer."""
    told = '"parameters": dictionary' in template or '"parameters": ' in template
    marked = _TAG in template or "ipython" in template
    return Llama() if told and marked else None
