"""A conversation in the shape that the chat layer reads, out of the pieces other dialects have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class Turns:
    """Turns of a conversation; what one side says in several pieces is one turn.

    Attributes:
        messages: In OpenAI's shape; thoughts are ``reasoning_content``.
        called: The name of the tool by the id of its call.
    """

    def __init__(self) -> None:
        """Starts with nothing said."""
        self.messages: list[dict[str, Any]] = []
        self.called: dict[str, str] = {}

    def say(self, role: str, text: str) -> None:
        """Text of a person or of the system."""
        self.messages.append({"role": role, "content": text})

    def answer(self, text: str) -> None:
        """Text of the assistant."""
        self._add(self._assistant(), "content", text)

    def think(self, text: str) -> None:
        """What the assistant thought before it went on."""
        self._add(self._assistant(), "reasoning_content", text)

    def call(self, id: str, name: str, arguments: str | dict[str, Any]) -> None:
        """A call that the assistant made."""
        self.called[id] = name
        function = {"name": name, "arguments": arguments}
        calls = self._assistant().setdefault("tool_calls", [])
        calls.append({"id": id, "type": "function", "function": function})

    def result(self, id: str, text: str) -> None:
        """What a call gave; the call has to be known."""
        name = self.called[id]
        self.messages.append({"role": "tool", "tool_call_id": id, "name": name, "content": text})

    def _assistant(self) -> dict[str, Any]:
        if not self.messages or self.messages[-1]["role"] != "assistant":
            self.messages.append({"role": "assistant", "content": ""})
        return self.messages[-1]

    def _add(self, message: dict[str, Any], field: str, text: str) -> None:
        message[field] = joined(part for part in (message.get(field), text) if part)


def joined(texts: Iterable[str]) -> str:
    """Pieces of one turn as one text."""
    return "\n".join(texts)
