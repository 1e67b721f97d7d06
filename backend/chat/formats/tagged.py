"""Arguments as one tag each instead of JSON: what readers and rules of such formats share."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from backend.chat.call_rules import Book, either, json_text, quoted, refuse, text_values
from backend.chat.json_schema import SchemaError
from backend.chat.parts import CallArguments, CallBegun, Part
from backend.chat.reading import Reading, load
from backend.chat.source import BrokenError, Source, Steps
from backend.chat.tools import Tool

_KEY = "[a-zA-Z0-9_.-]{1,64}"
_SHAPES = ("pattern", "format", "minLength", "maxLength")


@dataclass(frozen=True, slots=True)
class Tags:
    """What stands around an argument.

    Attributes:
        before: Before its key.
        between: Between key and value.
        after: After its value.
        between_json: Between key and value where the value is no string; as ``between`` if empty.
    """

    before: str
    between: str
    after: str
    between_json: str = ""


KeyReader = Callable[[Source], Steps[tuple[str, bool | None]]]
"""Reads what stands before a value: the argument's name, and whether its value is a string,
whatever it looks like; None where only the tool's schema tells."""


def read_arguments(
    reading: Reading, call: CallBegun, read_key: KeyReader, ends: tuple[str, ...], last: str
) -> Steps[None]:
    """Passes a call on and reads its arguments, and the tag after them.

    Args:
        reading: The answer.
        call: The call, whose name has been read.
        read_key: Reads up to a value.
        ends: The tag after a value; with a line break before it too, where that belongs to the tag.
        last: The tag after all arguments.

    Raises:
        BrokenError: The text ends before it, or is something else.
    """
    source = reading.source
    yield call
    yield CallArguments(call.index, "{")
    yield from source.skip_space()
    begun = False
    while not (yield from source.maybe(last)):
        key, text = yield from read_key(source)
        if text is None:
            text = reading.text_only(call.name, key)
        yield from _read_value(source, call, key, ends, begun=begun, text=text)
        yield from source.skip_space()
        begun = True
    yield CallArguments(call.index, "}")


def _read_value(
    source: Source,
    call: CallBegun,
    key: str,
    ends: tuple[str, ...],
    *,
    begun: bool,
    text: bool,
) -> Steps[None]:
    """Reads the value of an argument and what ends it; ``begun`` after another argument."""
    member = f"{', ' if begun else ''}{json_text(key)}: "
    if not text:
        value = yield from source.collect(*ends)
        yield CallArguments(call.index, member + _as_json(value))
        return

    def piece(text: str) -> Part:
        return CallArguments(call.index, json_text(text)[1:-1])

    yield CallArguments(call.index, member + '"')
    end = yield from source.until(ends, piece)
    if end is None:
        raise BrokenError
    source.take(len(end))
    yield CallArguments(call.index, '"')


def _as_json(text: str) -> str:
    """A value that is JSON, or a string that was written without quotes."""
    try:
        load(text)
        json.loads(text)
    except (BrokenError, ValueError):
        return json_text(text)
    return text.strip()


def members(book: Book, tool: Tool, prefix: str, tags: Tags) -> str:
    """The body of a rule for a tool's arguments, in the order of its schema.

    Raises:
        ToolError: The schema is broken, or strict and cannot be enforced.
    """
    text = book.until("text", tags.after)
    free = f"{quoted(tags.before)} {_KEY} {quoted(tags.between)} {text} space"
    values = {
        key: f"{quoted(tags.before + key)} {_value(book, tool, key, f'{prefix}-p{at}', tags)} space"
        for at, key in enumerate(_keys(tool))
    }
    return book.members(tool, prefix, values, book.add("free", free))


def _keys(tool: Tool) -> list[str]:
    properties = tool.parameters.get("properties")
    return list(properties) if isinstance(properties, dict) else []


def _value(book: Book, tool: Tool, key: str, prefix: str, tags: Tags) -> str:
    """The body of a rule for what comes after an argument's key."""
    schema = tool.schema_of(key)
    if (known := text_values(schema)) is not None:
        options = either(quoted(value) for value in known)
        return f"{quoted(tags.between)} {options} {quoted(tags.after)}"
    try:
        if tool.text_only(key):
            if shapes := [shape for shape in _SHAPES if shape in schema]:
                raise SchemaError(f"/properties/{key}/{shapes[0]}", "this model writes it freely")
            return f"{quoted(tags.between)} {book.until('text', tags.after)}"
        defined = {name: tool.parameters[name] for name in _DEFINITIONS if name in tool.parameters}
        rule = book.schema({**defined, **schema}, prefix)
        return f"{quoted(tags.between_json or tags.between)} {rule} {quoted(tags.after)}"
    except SchemaError as error:
        refuse(tool, error)
        return f"{quoted(tags.between)} {book.until('text', tags.after)}"


_DEFINITIONS = ("$defs", "definitions")
