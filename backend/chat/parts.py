"""What an answer is made of, in the order in which it was written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A piece of what the model thought before it answered."""

    text: str


@dataclass(frozen=True, slots=True)
class CallBegun:
    """The model calls a tool; its arguments follow.

    Attributes:
        index: Which call of the answer this is, from 0.
        id: What the tool's result has to name.
        name: The tool.
    """

    index: int
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class CallArguments:
    """A piece of a call's arguments; all pieces together are a JSON object."""

    index: int
    text: str


Part = Text | Reasoning | CallBegun | CallArguments
