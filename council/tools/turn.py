"""One turn of an exchange with tools: a reply that is an answer, or asks for tools."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property

from council.agents.base import has_begun
from council.errors import StreamError
from council.live import MAX_CHARACTERS, joined
from council.messages import (
    CHARACTERS_PER_TOKEN,
    ChatMessage,
    ChatRequest,
    ChatToken,
    FinishReason,
    Json,
    ToolCall,
    ToolCallDelta,
    Usage,
)


class Turn:
    """Gathers one reply of an exchange while its tokens go on to whoever waits for the answer.

    Args:
        request: What is asked.
        number: Which turn it is, from 0.
        spent: What the turns before it used.

    Attributes:
        finish_reason: Why it ended, None while it has not said so.
        begun: Whether anything of it has come.
    """

    def __init__(self, request: ChatRequest, number: int = 0, spent: Usage | None = None) -> None:
        self.number = number
        self.finish_reason: FinishReason | None = None
        self.begun = False
        self._request = request
        self._spent = spent or Usage()
        self._usage: Usage | None = None
        self._text: list[str] = []
        self._size = 0
        self._pieces: dict[int, list[ToolCallDelta]] = {}

    def take(self, token: ChatToken) -> ChatToken:
        """Adds a token; returns it as it goes on.

        The turn's end need not be the reply's, so that is held back; usage counts all turns. So
        are arguments: only whole ones can be looked through for secrets.

        Raises:
            StreamError: The turn has grown past `MAX_CHARACTERS`.
        """
        first = has_begun(token) and not self.begun
        self.begun = self.begun or first
        self._usage = token.usage or self._usage
        if token.choice == 0:
            self._gather(token)
        # From a later turn's first token on, its prompt has been read, come what may.
        usage = self.total if token.usage or (first and self.number) else None
        begun = tuple(replace(piece, arguments="") for piece in token.tool_calls)
        return token._replace(finish_reason=None, usage=usage, tool_calls=begun)

    def held_back(self, shown: Callable[[str], str]) -> ChatToken:
        """The arguments of its calls as they may be shown; nothing of those that were cut off."""
        if self.is_cut:
            return ChatToken()
        whole = ((index, joined(pieces).arguments) for index, pieces in self._pieces.items())
        return ChatToken(tool_calls=tuple(ToolCallDelta(i, arguments=shown(t)) for i, t in whole))

    @property
    def total(self) -> Usage:
        """What this turn and those before it used so far; estimated where nobody counted."""
        return self._spent + (self._usage or self._estimate())

    @cached_property
    def calls(self) -> tuple[ToolCall, ...]:
        """What it wants called; asked for when the turn is over."""
        if self.finish_reason == "content_filter":
            return ()
        return tuple(self._with_ids(map(joined, self._in_order)))

    @property
    def _in_order(self) -> list[list[ToolCallDelta]]:
        """The pieces of each call."""
        return [pieces for _, pieces in sorted(self._pieces.items())]

    @property
    def is_cut(self) -> bool:
        """Whether a token limit ended it, perhaps within a call."""
        return self.finish_reason == "length"

    @property
    def message(self) -> ChatMessage:
        """The turn as it stands in the conversation that goes on."""
        calls = tuple(replace(call, arguments=_object(call.arguments)) for call in self.calls)
        extras = zip(calls, map(_extra, self._in_order), strict=True)
        extra = {call.id: own for call, own in extras if own}
        return ChatMessage("assistant", "".join(self._text), calls, extra=extra or None)

    def _gather(self, token: ChatToken) -> None:
        self.finish_reason = token.finish_reason or self.finish_reason
        if token.text:
            self._text.append(token.text)
        self._size += len(token.text) + len(token.reasoning) + len(token.refusal)
        for piece in token.tool_calls:
            self._pieces.setdefault(piece.index, []).append(piece)
            self._size += len(piece.name) + len(piece.arguments)
        if self._size > MAX_CHARACTERS:
            raise StreamError(f"the reply is longer than {MAX_CHARACTERS} characters")

    def _with_ids(self, calls: Iterator[ToolCall]) -> Iterator[ToolCall]:
        """The calls with ids of their own: some servers give none, or the same ones each turn."""
        seen = {call.id for message in self._request.messages for call in message.tool_calls}
        for place, call in enumerate(calls):
            if not call.id or call.id in seen:
                # Nine letters and digits: there are servers that take nothing else.
                call = replace(call, id=f"call{self.number:02d}{place:03d}")
            seen.add(call.id)
            yield call

    def _estimate(self) -> Usage:
        asked = sum(len(message.text) for message in self._request.messages)
        prompt = math.ceil(asked / CHARACTERS_PER_TOKEN)
        return Usage(prompt, math.ceil(self._size / CHARACTERS_PER_TOKEN), estimated=True)


def _extra(pieces: list[ToolCallDelta]) -> Json:
    return {key: value for piece in pieces for key, value in (piece.extra or {}).items()}


def _object(arguments: str) -> str:
    """Arguments as the JSON object that servers want to read; what is none is put into one."""
    try:
        value = json.loads(arguments) if arguments.strip() else {}
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        return json.dumps({"arguments": arguments}, ensure_ascii=False)
    return arguments if arguments.strip() else "{}"
