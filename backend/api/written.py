"""A chat's answer put together again out of the events of its stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_DATA = "data: "


def read_events(text: str) -> Iterator[dict[str, Any]]:
    """What the events in a piece of a stream hold; comments and the end hold nothing."""
    for line in text.split("\n"):
        if line.startswith(_DATA + "{"):
            yield json.loads(line.removeprefix(_DATA))


class WrittenMessage:
    """The message that deltas add up to.

    Attributes:
        message: As it is so far.
    """

    def __init__(self) -> None:
        """Begins with an empty one."""
        self.message: dict[str, Any] = {"role": "assistant", "content": ""}

    def add(self, delta: Mapping[str, Any]) -> None:
        """Adds what came next."""
        for field in ("content", "reasoning_content"):
            if text := delta.get(field):
                self.message[field] = self.message.get(field, "") + text
        for piece in delta.get("tool_calls") or ():
            self._call(piece)

    def _call(self, piece: Mapping[str, Any]) -> None:
        calls = self.message.setdefault("tool_calls", [])
        function = piece["function"]
        if piece["index"] == len(calls):
            begun = {"name": function["name"], "arguments": ""}
            calls.append({"id": piece["id"], "type": "function", "function": begun})
        calls[piece["index"]]["function"]["arguments"] += function.get("arguments", "")
