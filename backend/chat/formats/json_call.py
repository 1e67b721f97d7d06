"""Calls as JSON objects: the reader and the rules that several formats share."""

from __future__ import annotations

from backend.chat.call_rules import Book, json_text, quoted
from backend.chat.parts import CallArguments
from backend.chat.reading import Reading, arguments, as_object, raw_value, string
from backend.chat.source import BrokenError, Steps
from backend.chat.tools import Tool

_ARGUMENTS = ("arguments", "parameters")


def read_call(reading: Reading) -> Steps[None]:
    """Reads ``{"name": …, "arguments": …}``; further keys are read over.

    Raises:
        BrokenError: It is no call.
    """
    source = reading.source
    yield from source.expect("{")
    name = held = index = None
    while True:
        yield from source.skip_space()
        key = yield from string(source)
        yield from source.skip_space()
        yield from source.expect(":")
        yield from source.skip_space()
        if key == "name" and name is None:
            name = yield from string(source)
        elif key in _ARGUMENTS and name is not None and index is None:
            call = reading.begin(name)
            yield call
            index = call.index
            yield from arguments(reading, index)
        else:
            value = yield from raw_value(source)
            held = value if key in _ARGUMENTS and held is None else held
        yield from source.skip_space()
        if not (yield from source.maybe(",")):
            break
    yield from source.expect("}")
    if index is None:
        yield from _late(reading, name, held)


def _late(reading: Reading, name: str | None, held: str | None) -> Steps[None]:
    """The call of an object whose arguments came before the name, or not at all."""
    if name is None:
        raise BrokenError
    call = reading.begin(name)
    yield call
    yield CallArguments(call.index, "{}" if held is None else as_object(held))


def read_calls(reading: Reading) -> Steps[None]:
    """Reads one call or a list of them.

    Raises:
        BrokenError: There is something else.
    """
    source = reading.source
    if not (yield from source.maybe("[")):
        return (yield from read_call(reading))
    while True:
        yield from source.skip_space()
        yield from read_call(reading)
        yield from source.skip_space()
        if not (yield from source.maybe(",")):
            break
    yield from source.expect("]")
    return None


def call_rule(book: Book, tool: Tool, prefix: str, key: str = "arguments", more: str = "") -> str:
    """The body of a rule for such an object.

    Args:
        book: Takes the rules of the arguments.
        tool: Which tool.
        prefix: For the names of rules.
        key: What the arguments are called.
        more: The body of a rule for further members, with a comma in front.
    """
    rule = book.arguments(tool, prefix + "-a")
    name = f'{quoted("{" + json_text("name") + ":")} " "? {quoted(json_text(tool.name) + ",")}'
    after = f"{more} " if more else ""
    return f'{name} space {quoted(json_text(key) + ":")} " "? {rule} {after}"}}"'
