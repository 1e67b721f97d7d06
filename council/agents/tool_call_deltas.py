"""Pieces of tool calls, as servers number them or fail to, brought under one index."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from council.messages import ToolCallDelta


class ToolCallIndex:
    """Gives each piece of a streamed tool call the index of the call it belongs to.

    Servers number the pieces by `index`; some leave it out or null, then the `id` tells, and where
    that is missing too the piece belongs to the last call that began.
    """

    def __init__(self) -> None:
        self._by_id: dict[str, int] = {}
        self._last = -1
        self._highest = -1

    @property
    def any(self) -> bool:
        """Whether a call has begun."""
        return self._highest >= 0

    def deltas(self, raw: Any, thoughts: list[str]) -> tuple[ToolCallDelta, ...]:
        """The pieces of one chunk's `tool_calls`; anything that is no call is left out.

        Args:
            raw: The field as it came.
            thoughts: The thinking before it, which goes with the first piece and is taken out.
        """
        if not isinstance(raw, list):
            return ()
        deltas = [self._delta(piece) for piece in raw if isinstance(piece, dict)]
        if thoughts and deltas:
            # DeepSeek refuses a call that comes back without the thinking before it.
            extra = {**(deltas[0].extra or {}), "reasoning_content": "".join(thoughts)}
            deltas[0] = replace(deltas[0], extra=extra)
            thoughts.clear()
        return tuple(deltas)

    def _delta(self, piece: dict[str, Any]) -> ToolCallDelta:
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        id = str(piece.get("id") or "")
        name = str(function.get("name") or "")
        arguments = function.get("arguments")
        arguments = arguments if isinstance(arguments, str) else ""
        index = self._place(piece.get("index"), id, begins=bool(name))
        # Gemini refuses a call that comes back without its signature.
        signature = piece.get("extra_content")
        extra = {"extra_content": signature} if isinstance(signature, dict) else None
        return ToolCallDelta(index, id, name, arguments, extra)

    def _place(self, index: Any, id: str, *, begins: bool) -> int:
        if type(index) is not int:  # a bool is an int too
            known = self._by_id.get(id) if id else None
            new = known is None and (bool(id) or begins or self._last < 0)
            index = self._highest + 1 if new else self._last if known is None else known
        place: int = index
        if id:
            self._by_id.setdefault(id, place)
        self._last = place
        self._highest = max(self._highest, place)
        return place
