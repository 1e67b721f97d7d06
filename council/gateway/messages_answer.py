"""A panel's answer in the shape of Anthropic's Messages API: whole, and as a stream's events."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any, Literal

from council.events import Event, RunFinished
from council.gateway import failures
from council.gateway.errors import ApiError
from council.gateway.summary import council_field, finish_of, text_of
from council.gateway.telling import Aside, Piece, Teller, Text
from council.messages import Usage
from council.result import Result

SIGNATURE = "unsigned"
"""Clients want one to send thoughts back; here nobody has to be convinced that they are genuine."""
_STOPS = {"stop": "end_turn", "length": "max_tokens"}


@dataclass(frozen=True, slots=True)
class Head:
    """What all parts of one answer have in common.

    Attributes:
        id: The answer's id.
        model: What the client called the panel.
        run_id: The run's id.
        ignored: Fields of the request that change nothing.
        request_id: The request's id, for errors.
    """

    id: str
    model: str
    run_id: str
    ignored: tuple[str, ...] = ()
    request_id: str = ""

    @classmethod
    def of(cls, model: str, run_id: str, ignored: tuple[str, ...], request_id: str) -> Head:
        """The head of a new answer."""
        return cls("msg_" + secrets.token_hex(12), model, run_id, ignored, request_id)

    def message(self, **fields: Any) -> dict[str, Any]:
        """A message with these fields."""
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            **fields,
        }


def message(head: Head, result: Result, asides: str = "") -> dict[str, Any]:
    """The body of a whole answer.

    Args:
        head: What it has in common with others.
        result: A result that is not `failed`.
        asides: What experts said, where that is shown.
    """
    content: list[dict[str, Any]] = [{"type": "text", "text": text_of(result)}]
    if asides:
        content.insert(0, {"type": "thinking", "thinking": asides, "signature": SIGNATURE})
    return head.message(
        content=content,
        stop_reason=_STOPS[finish_of(result)],
        stop_sequence=None,
        usage=usage(result.usage),
        council=council_field(result, head.ignored),
    )


def usage(used: Usage) -> dict[str, int]:
    """The tokens of all requests of a run; those from a cache are not in `input_tokens`."""
    return {
        "input_tokens": used.prompt_tokens - used.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": used.cached_tokens,
        "output_tokens": used.completion_tokens,
    }


class MessageEvents:
    """Turns a run's events into the events of a stream.

    Args:
        head: What they have in common.
        teller: What of the run is told.
    """

    alive = 'event: ping\ndata: {"type": "ping"}\n\n'

    def __init__(self, head: Head, teller: Teller) -> None:
        self._head = head
        self._teller = teller
        self._index = -1
        self._open: Literal["text", "thinking"] | None = None

    def begin(self) -> str:
        """The message without its content; how many tokens it took is known at its end."""
        begun = self._head.message(
            content=[],
            stop_reason=None,
            stop_sequence=None,
            usage=usage(Usage()),
            council={"run_id": self._head.run_id},
        )
        return _event("message_start", message=begun)

    def hear(self, event: Event) -> str:
        """The events that an event of the run makes; "" for none."""
        told = "".join(map(self._piece, self._teller.hear(event)))
        if isinstance(event, RunFinished) and event.result.error is None:
            return told + self._end(event.result)
        return told

    def fail(self, error: ApiError) -> str:
        """The error, and no `message_stop`."""
        told = failures.message_body(error, self._head.request_id)
        return f"event: error\ndata: {told}\n\n"

    def _piece(self, piece: Piece) -> str:
        match piece:
            case Text():
                return self._begin("text") + self._delta("text_delta", "text", piece.text)
            case Aside():
                begun = self._begin("thinking")
                said = piece.text.lstrip("\n") if begun else piece.text
                return begun + self._delta("thinking_delta", "thinking", said)

    def _end(self, result: Result) -> str:
        # An answer without a word is still one: clients want a block.
        begun = self._begin("text") if self._open is None else ""
        told = council_field(result, self._head.ignored, self._teller.discarded)
        delta = {"stop_reason": _STOPS[finish_of(result)], "stop_sequence": None}
        last = _event("message_delta", delta=delta, usage=usage(result.usage), council=told)
        return begun + self._close() + last + _event("message_stop")

    def _begin(self, kind: Literal["text", "thinking"]) -> str:
        """A block of that kind, unless one is open."""
        if self._open == kind:
            return ""
        before = self._close()
        self._index += 1
        self._open = kind
        signed = {"signature": ""} if kind == "thinking" else {}
        block = {"type": kind, kind: "", **signed}
        return before + _event("content_block_start", index=self._index, content_block=block)

    def _close(self) -> str:
        if self._open is None:
            return ""
        signed = ""
        if self._open == "thinking":
            signed = self._delta("signature_delta", "signature", SIGNATURE)
        self._open = None
        return signed + _event("content_block_stop", index=self._index)

    def _delta(self, type: str, field: str, text: str) -> str:
        """The event of one token, of which there are thousands: as `_event`, for less."""
        said = json.dumps(text, ensure_ascii=False)
        return (
            'event: content_block_delta\ndata: {"type": "content_block_delta", "index":'
            f' {self._index}, "delta": {{"type": "{type}", "{field}": {said}}}}}\n\n'
        )


def _event(type: str, **fields: Any) -> str:
    said = json.dumps({"type": type, **fields}, ensure_ascii=False)
    return f"event: {type}\ndata: {said}\n\n"
