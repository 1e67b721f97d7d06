"""The chat API's stream, sans-IO: bytes of an event stream in, `ChatToken`s out.

Every server's quirk is handled here or in `sse.py`, so that nothing above knows of them.
"""

from __future__ import annotations

from typing import Any

import jiter

from council.agents.sse import ServerSentEvent
from council.agents.stream_body import StreamBody, excerpt, parse_object
from council.agents.tool_call_deltas import ToolCallIndex
from council.errors import StreamError
from council.messages import ChatToken, FinishReason, TokenLogprob, ToolCallDelta, Usage, text_token

_DONE = b"[DONE]"

_FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "refusal": "content_filter",
    "recitation": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
    "spii": "content_filter",
}


_PLAIN_CHUNK = frozenset(
    ("id", "object", "created", "model", "system_fingerprint", "service_tier", "choices")
)
_PLAIN_CHOICE = frozenset(("index", "delta", "logprobs", "finish_reason"))

# A server that gives up says so in many ways; what it wrote by then is no whole reply.
_GAVE_UP = frozenset(
    ("error", "abort", "aborted", "cancelled", "canceled", "insufficient_system_resource")
)


class ChatStreamDecoder(StreamBody):
    """The OpenAI chat API's stream; see `StreamBody`."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks = ChunkReader()
        self._done = False

    @property
    def done(self) -> bool:
        """Whether `[DONE]` was seen."""
        return self._done

    @property
    def whole(self) -> bool:
        """Whether the reply has ended, by a finish reason or `[DONE]`."""
        return self._done or self._chunks.finished

    def take_event(self, event: ServerSentEvent, tokens: list[ChatToken]) -> None:
        """See `StreamBody`."""
        data = event.data.strip()
        if event.event == "error":
            raise StreamError(f"the server reported an error: {_describe(data)}")
        if data == _DONE:
            self._done = True
        elif data:
            self._chunks.take(data, tokens)

    def take_object(self, data: bytes, tokens: list[ChatToken]) -> None:
        """See `StreamBody`."""
        self._chunks.take_completion(data, tokens)

    def usable(self, event: ServerSentEvent) -> bool:
        """See `StreamBody`."""
        return event.data.strip() == _DONE or super().usable(event)


class ChunkReader:
    """Chunks of one reply as tokens; parts that a server leaves out or nulls are empty.

    Attributes:
        finished: Whether a finish reason has come.
    """

    def __init__(self) -> None:
        self.finished = False
        self._calls: dict[int, ToolCallIndex] = {}
        self._thoughts: dict[int, list[str]] = {}

    def take(self, data: bytes, tokens: list[ChatToken]) -> None:
        """Adds the tokens of one chunk's JSON, none for a chunk that says nothing.

        Raises:
            StreamError: The data is no JSON object, or is an error object.
        """
        chunk = parse_object(data)
        text = _only_text(chunk)
        if text:
            tokens.append(text_token(text))
        else:
            self._choices(_without_error(chunk), "delta", tokens)

    def take_completion(self, data: bytes, tokens: list[ChatToken]) -> None:
        """Adds the tokens of a whole reply that came as one JSON object; errors as for `take`."""
        self._choices(_without_error(parse_object(data)), "message", tokens)

    def _choices(self, chunk: dict[str, Any], part: str, tokens: list[ChatToken]) -> None:
        # Usage chunks and Azure's first chunk carry no choices.
        choices = chunk.get("choices")
        usage = _usage(chunk.get("usage"))
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                delta = choice.get(part)
                token = self._token(choice, delta if isinstance(delta, dict) else {}, usage)
                usage = None
                if token is not None:
                    tokens.append(token)
        if usage is not None:
            tokens.append(ChatToken(usage=usage))

    def _token(
        self, choice: dict[str, Any], delta: dict[str, Any], usage: Usage | None
    ) -> ChatToken | None:
        """The token of one choice, None if it says nothing; called for each token that arrives."""
        get = delta.get
        index = _count(choice.get("index"))
        finish = _finish_reason(choice)
        raw_calls, content, raw_logprobs = get("tool_calls"), get("content"), choice.get("logprobs")
        reasoning = ""
        if thought := get("reasoning_content"):
            reasoning = text_of(thought)
            self._thoughts.setdefault(index, []).append(reasoning)
        elif thought := get("reasoning"):
            reasoning = text_of(thought)
        calls: tuple[ToolCallDelta, ...] = ()
        if raw_calls:
            thoughts = self._thoughts.get(index, [])
            calls = self._calls.setdefault(index, ToolCallIndex()).deltas(raw_calls, thoughts)
        if finish is not None:
            self.finished = True
            if finish == "stop" and index in self._calls and self._calls[index].any:
                finish = "tool_calls"
        text = content if isinstance(content, str) else text_of(content)
        refusal = text_of(get("refusal"))
        logprobs = _logprobs(raw_logprobs) if raw_logprobs else ()
        if text or reasoning or finish or usage or calls or refusal or logprobs:
            return ChatToken(text, reasoning, finish, usage, calls, refusal, logprobs, index)
        return None


def _only_text(chunk: dict[str, Any]) -> str:
    """The text of a chunk that has nothing else to say, as nearly all have; else nothing.

    Looking for what such a chunk does not hold was half of what decoding a token cost.
    """
    try:
        (choice,) = chunk["choices"]
        delta = choice["delta"]
        plain = (
            len(delta) == 1
            and choice["finish_reason"] is None
            and choice["index"] == 0
            and _PLAIN_CHUNK.issuperset(chunk)
            and _PLAIN_CHOICE.issuperset(choice)
            and not choice.get("logprobs")
            and chunk["object"] != "error"
        )
        text = delta["content"]
    except (KeyError, TypeError, ValueError):
        return ""
    return text if plain and type(text) is str else ""


def _without_error(chunk: dict[str, Any]) -> dict[str, Any]:
    error = error_message(chunk)
    if error is not None:
        raise StreamError(f"the server reported an error: {error}")
    return chunk


def error_message(body: Any) -> str | None:
    """The message of an error object in any of the shapes servers use, or None.

    Known shapes: `{"error": {"message"}}`, `{"error": "text"}`,
    `{"object": "error", "message"}`, `{"type": "error", …}`.
    """
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or error.get("type") or error)
    if error:
        return str(error)
    if "error" in (body.get("object"), body.get("type")):
        return str(body.get("message") or body)
    return None


def text_of(content: Any) -> str:
    """The text of a `content` field: a string, a list of typed parts, or nothing."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(
            str(part.get("text") or "")
            for part in content
            if isinstance(part, dict) and part.get("type") == "text"
        )
    return ""


def finish_reason_of(value: Any) -> FinishReason | None:
    """The finish reason in council's terms: empty means none yet, unknown ones are `other`."""
    if not value:
        return None
    return _FINISH_REASONS.get(str(value).lower(), "other")


def _finish_reason(choice: dict[str, Any]) -> FinishReason | None:
    reason = choice.get("finish_reason")
    error = error_message(choice) if "error" in choice else None
    if error is not None or (reason and str(reason).lower() in _GAVE_UP):
        raise StreamError(f"the server gave up: {error or f'finish reason {reason!r}'}")
    return finish_reason_of(reason)


def _usage(value: Any) -> Usage | None:
    if not isinstance(value, dict):
        return None
    prompt = _object(value.get("prompt_tokens_details"))
    completion = _object(value.get("completion_tokens_details"))
    return Usage(
        prompt_tokens=_count(value.get("prompt_tokens")),
        completion_tokens=_count(value.get("completion_tokens")),
        cached_tokens=_count(prompt.get("cached_tokens") or value.get("prompt_cache_hit_tokens")),
        reasoning_tokens=_count(completion.get("reasoning_tokens")),
    )


def _logprobs(value: Any) -> tuple[TokenLogprob, ...]:
    return tuple(
        TokenLogprob(*_scored(entry), tuple(map(_scored, _objects(entry.get("top_logprobs")))))
        for entry in _objects(_object(value).get("content"))
    )


def _scored(entry: dict[str, Any]) -> tuple[str, float]:
    logprob = entry.get("logprob")
    return str(entry.get("token") or ""), float(logprob if isinstance(logprob, int | float) else 0)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int:
    return value if type(value) is int else 0  # a bool is an int too


def _describe(data: bytes) -> str:
    try:
        body = jiter.from_json(data)
    except ValueError:
        return excerpt(data)
    return error_message(body) or error_message({"error": body}) or excerpt(data)
