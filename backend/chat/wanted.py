"""What a client wants to be answered: messages, tools, and the form of the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


class ToolError(ValueError):
    """A field of the request cannot be done as it stands; the text names it."""

    def __init__(self, field: str, problem: str) -> None:
        """Takes the field, such as ``tools[0].function.name``, and what is wrong with it."""
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


@dataclass(frozen=True, slots=True)
class NamedTool:
    """A choice of this tool and no other."""

    name: str


Choice = Literal["auto", "none", "required"] | NamedTool
"""Whether tools are to be called, and which."""


@dataclass(frozen=True)
class Wanted:
    """What is to be answered.

    Attributes:
        messages: In OpenAI's shape; a call's arguments are a string or an object. An assistant's
            message without calls at the end is continued.
        tools: In OpenAI's shape, ``{"type": "function", "function": {...}}``.
        tool_choice: "auto" leaves it to the model, "none" shows it no tools, "required" and a named
            tool are enforced.
        parallel: Whether there may be more calls than one.
        schema: A JSON schema for the answer; True for any object.
        gbnf: The client's own grammar, for all that is written.
        thinking: Whether to think first; None leaves it to the template.
        template_arguments: Further names for the template, such as ``reasoning_effort``.
    """

    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: Choice = "auto"
    parallel: bool = True
    schema: Mapping[str, Any] | Literal[True] | None = None
    gbnf: str | None = None
    thinking: bool | None = None
    template_arguments: Mapping[str, Any] = field(default_factory=dict)
