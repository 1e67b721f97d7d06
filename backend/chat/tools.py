"""The tools of a request, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.chat.wanted import NamedTool, ToolError, Wanted

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}")
_MOST, _LISTED = 512, 20


@dataclass(frozen=True)
class Tool:
    """A function that the model may call.

    Attributes:
        field: Where it stands in the request, for errors.
        name: As in the request.
        description: For the model; may be empty.
        parameters: A JSON schema of an object.
        strict: Whether arguments have to follow the schema to the letter.
    """

    field: str
    name: str
    description: str
    parameters: Mapping[str, Any]
    strict: bool

    def text_only(self, key: str) -> bool:
        """Whether an argument can be nothing but a string."""
        schema = self.schema_of(key)
        if "type" not in schema and isinstance(schema.get("enum"), list):
            return all(isinstance(value, str) for value in schema["enum"])
        return schema.get("type") == "string" or isinstance(schema.get("const"), str)

    def schema_of(self, key: str) -> Mapping[str, Any]:
        """The schema of an argument; empty when there is none."""
        properties = self.parameters.get("properties")
        found = properties.get(key) if isinstance(properties, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    @property
    def shown(self) -> dict[str, Any]:
        """As templates know it."""
        function = {
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
        }
        return {"type": "function", "function": function}


def offered(wanted: Wanted) -> list[Tool]:
    """The tools that the model gets to see.

    Raises:
        ToolError: One of them is no tool, or the choice is none of them.
    """
    tools = [_tool(item, f"tools[{number}]") for number, item in enumerate(wanted.tools)]
    if len(tools) > _MOST:
        raise ToolError("tools", f"there are {len(tools)}, the most is {_MOST}")
    names = [tool.name for tool in tools]
    for number, tool in enumerate(tools):
        if tool.name in names[:number]:
            raise ToolError(f"{tool.field}.function.name", f"{tool.name!r} is there twice")
    choice = wanted.tool_choice
    if isinstance(choice, NamedTool) and choice.name not in names:
        raise ToolError("tool_choice", absent(choice.name, names))
    if choice == "required" and not tools:
        raise ToolError("tool_choice", "a call is required, but there are no tools")
    return [] if choice == "none" else tools


def absent(name: str, names: Sequence[str]) -> str:
    """Says that there is no tool of this name, and which there are."""
    there_are = ", ".join(names[:_LISTED]) + ", …" * (len(names) > _LISTED)
    return f"there is no tool {name[:128]!r}; there are: {there_are or 'none'}"


def callable_tools(tools: Sequence[Tool], wanted: Wanted) -> list[Tool]:
    """Those of the tools that the choice leaves."""
    choice = wanted.tool_choice
    if isinstance(choice, NamedTool):
        return [tool for tool in tools if tool.name == choice.name]
    return list(tools)


def _tool(item: object, field: str) -> Tool:
    function = item.get("function") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or item.get("type", "function") != "function":
        raise ToolError(f"{field}.type", "only tools of type 'function' are known")
    if not isinstance(function, Mapping):
        raise ToolError(f"{field}.function", "has to be an object")
    name, description = function.get("name"), function.get("description")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        allowed = "letters, digits, _ . : / - and at most 128 of them"
        raise ToolError(f"{field}.function.name", f"has to be made of {allowed}")
    if not isinstance(description, str | None):
        raise ToolError(f"{field}.function.description", "has to be a string")
    parameters = _parameters(function.get("parameters"), f"{field}.function.parameters")
    return Tool(field, name, description or "", parameters, function.get("strict") is True)


def _parameters(schema: object, field: str) -> Mapping[str, Any]:
    if schema is None:
        return {"type": "object", "properties": {}, "additionalProperties": False}
    if not isinstance(schema, Mapping):
        raise ToolError(field, "has to be a JSON schema")
    if "type" not in schema:
        return {"type": "object", **schema}
    if schema["type"] != "object":
        raise ToolError(f"{field}.type", "arguments are an object, so it has to be 'object'")
    return schema
