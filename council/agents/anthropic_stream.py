"""The stream of Anthropic's Messages API, sans-IO: bytes in, `ChatToken`s out.

Source: Anthropic's documentation, "Streaming messages". Servers that imitate the API leave parts
out; whatever is not there counts as empty, and event types nobody has heard of are skipped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jiter

from council.agents.sse import ServerSentEvent
from council.agents.stream_body import StreamBody, excerpt, is_json, parse_object
from council.agents.wire import error_message
from council.errors import StreamError
from council.messages import ChatToken, FinishReason, ToolCallDelta, Usage

_FINISH_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


class MessageStreamDecoder(StreamBody):
    """The Messages API's stream; see `StreamBody`."""

    def __init__(self) -> None:
        super().__init__()
        self._events = EventReader()

    @property
    def done(self) -> bool:
        """Whether `message_stop` was seen."""
        return self._events.stopped

    @property
    def whole(self) -> bool:
        """Whether the reply has ended, by a stop reason or `message_stop`."""
        return self._events.stopped or self._events.finished

    def take_event(self, event: ServerSentEvent, tokens: list[ChatToken]) -> None:
        """See `StreamBody`."""
        if event.event == "error":
            raise _reported(event.data)
        if event.data.strip():
            self._events.take(parse_object(event.data), tokens)

    def take_object(self, data: bytes, tokens: list[ChatToken]) -> None:
        """See `StreamBody`."""
        self._events.take_message(parse_object(data), tokens)


@dataclass(slots=True)
class _Call:
    """A `tool_use` block that is being written."""

    index: int
    input: Any
    has_arguments: bool = False


class EventReader:
    """The events of one reply as tokens.

    Attributes:
        finished: Whether a stop reason has come.
        stopped: Whether `message_stop` has come.
    """

    def __init__(self) -> None:
        self.finished = False
        self.stopped = False
        self._counts: dict[str, int] = {}
        self._reasoning_tokens = 0
        self._calls: dict[int, _Call] = {}
        # Thoughts with their signatures, which the API wants back with the call that follows.
        self._thinking: list[dict[str, Any]] = []
        self._readers: dict[str, Callable[[dict[str, Any]], ChatToken | None]] = {
            "message_start": self._message_start,
            "content_block_start": self._block_start,
            "content_block_delta": self._block_delta,
            "content_block_stop": self._block_stop,
            "message_delta": self._message_delta,
            "message_stop": self._message_stop,
        }

    def take(self, event: dict[str, Any], tokens: list[ChatToken]) -> None:
        """Adds the token of one event, none for an event that says nothing.

        Raises:
            StreamError: The event is an error.
        """
        if error_message(event) is not None:
            raise StreamError(f"the server reported an error: {describe(event)}")
        read = self._readers.get(str(event.get("type")))
        token = read(event) if read else None
        if token is not None:
            tokens.append(token)

    def take_message(self, message: dict[str, Any], tokens: list[ChatToken]) -> None:
        """Adds the tokens of a whole reply that came as one JSON object; errors as for `take`."""
        for event in _as_events(message):
            self.take(event, tokens)

    def _message_start(self, event: dict[str, Any]) -> None:
        # Kept until the end: a token without content would count as the reply's first.
        self._count(_object(event.get("message")).get("usage"))

    def _block_start(self, event: dict[str, Any]) -> ChatToken | None:
        block = _object(event.get("content_block"))
        if block.get("type") == "tool_use":
            call = _Call(len(self._calls), block.get("input"))
            self._calls[_int(event.get("index"))] = call
            name, id = str(block.get("name") or ""), str(block.get("id") or "")
            extra = {"thinking": self._thinking} if self._thinking else None
            self._thinking = []
            return ChatToken(tool_calls=(ToolCallDelta(call.index, id, name, extra=extra),))
        if block.get("type") in ("thinking", "redacted_thinking"):
            self._thinking.append(dict(block))
        return _text(block.get("text")) or _reasoning(block.get("thinking"))

    def _block_delta(self, event: dict[str, Any]) -> ChatToken | None:
        delta = _object(event.get("delta"))
        match delta.get("type"):
            case "text_delta":
                return _text(delta.get("text"))
            case "thinking_delta":
                self._think("thinking", delta)
                return _reasoning(delta.get("thinking"))
            case "signature_delta":
                self._think("signature", delta)
                return None
            case "input_json_delta":
                return self._arguments(event, delta.get("partial_json"))
            case _:  # citations, and what may come
                return None

    def _think(self, part: str, delta: dict[str, Any]) -> None:
        if self._thinking:
            block = self._thinking[-1]
            block[part] = f"{block.get(part) or ''}{delta.get(part) or ''}"

    def _arguments(self, event: dict[str, Any], text: Any) -> ChatToken | None:
        call = self._calls.get(_int(event.get("index")))
        # A block without a call is a tool that the server runs itself.
        if call is None or not text:
            return None
        call.has_arguments = True
        return ChatToken(tool_calls=(ToolCallDelta(call.index, arguments=str(text)),))

    def _block_stop(self, event: dict[str, Any]) -> ChatToken | None:
        """Completes a call whose arguments came at once, or that has none: `{}` is JSON."""
        call = self._calls.get(_int(event.get("index")))
        if call is None or call.has_arguments:
            return None
        arguments = json.dumps(call.input or {}, ensure_ascii=False)
        call.has_arguments = True
        return ChatToken(tool_calls=(ToolCallDelta(call.index, arguments=arguments),))

    def _message_delta(self, event: dict[str, Any]) -> ChatToken | None:
        usage = event.get("usage")
        self._count(usage)
        reason = _object(event.get("delta")).get("stop_reason")
        finish = _FINISH_REASONS.get(str(reason), "other") if reason else None
        self.finished = self.finished or finish is not None
        if finish is None and not usage:
            return None
        return ChatToken(finish_reason=finish, usage=self._usage() if usage else None)

    def _message_stop(self, event: dict[str, Any]) -> None:
        self.stopped = True

    def _count(self, usage: Any) -> None:
        """Takes counts that are there: they are totals, and later ones hold."""
        usage = _object(usage)
        self._counts.update({name: n for name, n in usage.items() if isinstance(n, int)})
        details = _object(usage.get("output_tokens_details"))
        self._reasoning_tokens = _int(details.get("thinking_tokens")) or self._reasoning_tokens

    def _usage(self) -> Usage:
        counts = self._counts
        cached = counts.get("cache_read_input_tokens", 0)
        # The API's `input_tokens` are only those that no cache had to do with.
        written = counts.get("cache_creation_input_tokens", 0)
        return Usage(
            prompt_tokens=counts.get("input_tokens", 0) + cached + written,
            completion_tokens=counts.get("output_tokens", 0),
            cached_tokens=cached,
            reasoning_tokens=self._reasoning_tokens,
        )


def describe(error: dict[str, Any]) -> str:
    """An error event's message and, where it has one, the name of its kind."""
    message = error_message(error) or error_message({"error": error}) or ""
    kind = _object(error.get("error")).get("type")
    return f"{message} ({kind})" if kind and kind != message else message


def _as_events(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A whole message as the events that would have streamed it."""
    if message.get("type") != "message":
        yield message
        return
    content = message.get("content")
    for index, block in enumerate(content if isinstance(content, list) else ()):
        yield {"type": "content_block_start", "index": index, "content_block": block}
        yield {"type": "content_block_stop", "index": index}
    yield {"type": "message_delta", "delta": message, "usage": message.get("usage")}


def _reported(data: bytes) -> StreamError:
    said = excerpt(data)
    if is_json(data):
        value = jiter.from_json(data)
        said = (describe(value) if isinstance(value, dict) else "") or said
    return StreamError(f"the server reported an error: {said}")


def _text(text: Any) -> ChatToken | None:
    return ChatToken(text=str(text)) if text else None


def _reasoning(text: Any) -> ChatToken | None:
    return ChatToken(reasoning=str(text)) if text else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _int(value: Any) -> int:
    return value if type(value) is int else 0  # a bool is an int too
