"""A panel's answer in the shape of OpenAI's chat API: whole, and in chunks."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from council.events import Event, RunFinished
from council.gateway import failures
from council.gateway.errors import ApiError
from council.gateway.replies import KEEP_ALIVE
from council.gateway.summary import council_field, finish_of, text_of
from council.gateway.telling import Aside, Piece, Teller, Text
from council.messages import Usage
from council.result import Result

DONE = "data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Head:
    """What all parts of one answer have in common.

    Attributes:
        id: The answer's id.
        created: When it began, in seconds since 1970.
        model: What the client called the panel.
        run_id: The run's id.
        ignored: Fields of the request that change nothing.
    """

    id: str
    created: int
    model: str
    run_id: str
    ignored: tuple[str, ...] = ()

    @classmethod
    def of(cls, model: str, run_id: str, ignored: tuple[str, ...]) -> Head:
        """The head of an answer that begins now."""
        return cls("chatcmpl-" + secrets.token_hex(12), int(time.time()), model, run_id, ignored)

    def fields(self, object: str) -> dict[str, Any]:
        """The fields that it gives to an object of this name."""
        return {"id": self.id, "object": object, "created": self.created, "model": self.model}


def completion(head: Head, result: Result, asides: str = "") -> dict[str, Any]:
    """The body of a whole answer.

    Args:
        head: What it has in common with others.
        result: A result that is not `failed`.
        asides: What experts said, where that is shown.
    """
    message = {"role": "assistant", "content": text_of(result), "refusal": None}
    if asides:
        message["reasoning_content"] = asides
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": finish_of(result),
    }
    return {
        **head.fields("chat.completion"),
        "choices": [choice],
        "usage": usage(result.usage),
        "council": council_field(result, head.ignored),
    }


def usage(used: Usage) -> dict[str, Any]:
    """The tokens of all requests of a run."""
    counts: dict[str, Any] = {
        "prompt_tokens": used.prompt_tokens,
        "completion_tokens": used.completion_tokens,
        "total_tokens": used.total_tokens,
        "prompt_tokens_details": {"cached_tokens": used.cached_tokens},
    }
    if used.reasoning_tokens:
        counts["completion_tokens_details"] = {"reasoning_tokens": used.reasoning_tokens}
    return counts


class ChatChunks:
    """Turns a run's events into the chunks of a stream.

    Args:
        head: What the chunks have in common.
        teller: What of the run is told.
        with_usage: Whether a chunk with the tokens ends the stream.
    """

    alive = KEEP_ALIVE

    def __init__(self, head: Head, teller: Teller, *, with_usage: bool = False) -> None:
        self._head = head
        self._teller = teller
        self._with_usage = with_usage
        empty = json.dumps({**head.fields("chat.completion.chunk"), "choices": []})
        self._opening = empty.removesuffix("]}")

    def begin(self) -> str:
        """Who speaks, and in which run."""
        return self._chunk({"role": "assistant", "content": ""}, run={"run_id": self._head.run_id})

    def hear(self, event: Event) -> str:
        """The chunks that an event makes; "" for none."""
        told = "".join(map(self._piece, self._teller.hear(event)))
        if isinstance(event, RunFinished) and event.result.error is None:
            return told + self._end(event.result)
        return told

    def fail(self, error: ApiError) -> str:
        """The error, and no `[DONE]`."""
        return f"data: {failures.body(error)}\n\n"

    def _piece(self, piece: Piece) -> str:
        """The event of one token, of which there are thousands: as `_chunk`, for less."""
        match piece:
            case Text():
                field = "content"
            case Aside():
                field = "reasoning_content"
        said = json.dumps(piece.text, ensure_ascii=False)
        delta = f'{{"index": 0, "delta": {{"{field}": {said}}}, "finish_reason": null}}'
        return f"data: {self._opening}{delta}]}}\n\n"

    def _end(self, result: Result) -> str:
        run = council_field(result, self._head.ignored, self._teller.discarded)
        last = self._chunk({}, finish_of(result), run)
        if self._with_usage:
            last += self._event([], {"usage": usage(result.usage), "council": run})
        return last + DONE

    def _chunk(
        self, delta: dict[str, Any], finish: str | None = None, run: dict[str, Any] | None = None
    ) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return self._event([choice], {} if run is None else {"council": run})

    def _event(self, choices: Sequence[dict[str, Any]], more: dict[str, Any]) -> str:
        chunk = {**self._head.fields("chat.completion.chunk"), "choices": choices, **more}
        return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"
