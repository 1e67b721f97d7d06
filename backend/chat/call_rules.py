"""Grammar rules for calls, in the notation that llama.cpp reads."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backend.chat.json_schema import Rules, SchemaError, schema_rules
from backend.chat.tools import Tool
from backend.chat.wanted import ToolError

MOST_CALLS = 16
"""Calls in one answer, so that a model cannot go on calling for ever."""
_MOST_FREE = 16
_KEPT = 10_000
"""Most characters of a schema whose rules are kept."""
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(text: str) -> str:
    """A text that has to be written exactly so."""
    return '"' + "".join(_ESCAPES.get(character, character) for character in text) + '"'


def either(options: Iterable[str]) -> str:
    """One of several."""
    return "( " + " | ".join(options) + " )"


class Book:
    """Rules that are being collected.

    Rules are named by letters, digits and dashes; ``space`` is at most a line break or a space.
    """

    def __init__(self) -> None:
        """Begins with ``space``."""
        self._rules: dict[str, str] = {"space": '( " " | "\\n" )?'}
        self._foreign: list[str] = []

    def add(self, name: str, body: str) -> str:
        """Adds a rule; gives its name."""
        self._rules[name] = body
        return name

    def text(self, root: str) -> str:
        """All of the grammar; ``root`` is the body of its first rule."""
        rules = {"root": root, **self._rules}
        own = "\n".join(f"{name} ::= {body}" for name, body in rules.items())
        return "\n".join([own, *self._foreign]) + "\n"

    def schema(self, schema: Mapping[str, Any], prefix: str) -> str:
        """Adds the rules of a JSON schema; gives the name of their first.

        Raises:
            SchemaError: The schema cannot be enforced.
        """
        written = _written(schema)
        rules = (_rules if len(written) <= _KEPT else _rules.__wrapped__)(written, prefix)
        self._foreign.append(rules.text.rstrip("\n"))
        return rules.root

    def arguments(self, tool: Tool, prefix: str) -> str:
        """Adds the rules of a tool's arguments.

        A schema that no grammar can hold is left to the model, as any object, unless it is strict.

        Raises:
            ToolError: The schema is broken, or strict and cannot be enforced.
        """
        try:
            return self.schema(tool.parameters, prefix)
        except SchemaError as error:
            refuse(tool, error)
            return self.schema({"type": "object"}, prefix)

    def until(self, name: str, end: str) -> str:
        """Adds rules for any text up to the first time that ``end`` is written, and ``end``.

        One name goes with one end.
        """
        known = len(end) if _state(name, 0) in self._rules else 0
        for state in range(known, len(end)):
            self._rules[_state(name, state)] = " | ".join(_moves(name, state, end))
        return _state(name, 0)

    def members(self, tool: Tool, prefix: str, value: Mapping[str, str], free: str) -> str:
        """The body of a rule for arguments in the order of their properties.

        Args:
            tool: The properties' owner.
            prefix: For the names of rules.
            value: For each property the rule of a whole member.
            free: The rule of any member, for a schema without properties.
        """
        if not value:
            empty = tool.parameters.get("additionalProperties") is False
            return '""' if empty else f"{free}{{0,{_MOST_FREE}}}"
        required = tool.parameters.get("required") or ()
        body = []
        for number, (key, member) in enumerate(value.items()):
            rule = self.add(f"{prefix}-m{number}", member)
            body.append(rule if key in required else f"{rule}?")
        return " ".join(body)


def _written(schema: Mapping[str, Any]) -> str:
    try:
        return json.dumps(schema)
    except (RecursionError, TypeError, ValueError) as error:
        raise SchemaError("", "it is no JSON, or too deep") from error


@functools.lru_cache(maxsize=512)
def _rules(schema: str, prefix: str) -> Rules:
    """Rules are kept, since clients send the same tools with each request."""
    return schema_rules(json.loads(schema), prefix)


def refuse(tool: Tool, error: SchemaError) -> None:
    """Says that a schema cannot be enforced, if that matters.

    Raises:
        ToolError: It is broken, or strict.
    """
    if tool.strict or not _is_schema(tool.parameters):
        raise ToolError(f"{tool.field}.function.parameters", str(error)) from error


def _is_schema(schema: Mapping[str, Any]) -> bool:
    # Takes long to import and is seldom needed.
    from jsonschema import Draft202012Validator
    from jsonschema import SchemaError as Invalid
    from jsonschema.validators import validator_for

    try:
        validator_for(schema, Draft202012Validator).check_schema(dict(schema))
    except (Invalid, RecursionError, TypeError):
        return False
    return True


def text_values(schema: Mapping[str, Any]) -> Sequence[str] | None:
    """The strings that a property may be; None when any will do."""
    if isinstance(schema.get("const"), str):
        return [schema["const"]]
    values = schema.get("enum")
    if isinstance(values, list) and values and all(isinstance(value, str) for value in values):
        return values
    return None


def json_text(value: object) -> str:
    """A value as models write it."""
    return json.dumps(value, ensure_ascii=False)


def _state(name: str, state: int) -> str:
    return f"{name}-{state}"


def _moves(name: str, state: int, end: str) -> list[str]:
    """What may be written when ``state`` characters of the end are."""
    nexts = {character: _after(end, state, character) for character in sorted(set(end))}
    moves = [
        quoted(character) + ("" if after == len(end) else f" {_state(name, after)}")
        for character, after in nexts.items()
        if after
    ]
    known = "".join(_in_class(character) for character, after in nexts.items() if after)
    return [*moves, f"[^{known}] {_state(name, 0)}"]


def _after(end: str, state: int, character: str) -> int:
    written = end[:state] + character
    return next(
        size for size in range(len(written), -1, -1) if written.endswith(end[:size]) or not size
    )


def _in_class(character: str) -> str:
    return f"\\{character}" if character in "\\]" else _ESCAPES.get(character, character)
