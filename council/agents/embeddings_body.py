"""The embeddings API's answer: bytes of one JSON object in, vectors out."""

from __future__ import annotations

import base64
import binascii
import math
import struct
from typing import Any

from council.agents.sse import ServerSentEvent
from council.agents.stream_body import StreamBody, excerpt, parse_object
from council.agents.wire import error_message
from council.errors import StreamError
from council.messages import ChatToken, Usage


class EmbeddingsDecoder(StreamBody):
    """The answer of `/v1/embeddings`; see `StreamBody`."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = False

    @property
    def done(self) -> bool:
        """Nothing after the object counts, but where it ends only the body's end tells."""
        return False

    @property
    def whole(self) -> bool:
        """Whether the object was read."""
        return self._whole

    def take_event(self, event: ServerSentEvent, tokens: list[ChatToken]) -> None:
        """Raises StreamError: vectors come in one piece."""
        raise StreamError(f"expected a JSON object with vectors, got: {excerpt(event.data)}")

    def take_object(self, data: bytes, tokens: list[ChatToken]) -> None:
        """Adds the token with all vectors."""
        body = parse_object(data)
        entries = body.get("data")
        if not isinstance(entries, list):
            said = error_message(body) or f"there is no list `data` in {excerpt(data)}"
            raise StreamError(f"the server sent no vectors: {said}")
        vectors = tuple(_vector(entry) for entry in _in_order(entries))
        if len(set(map(len, vectors))) > 1:
            raise StreamError("the server sent vectors of different lengths")
        self._whole = True
        usage = _usage(body.get("usage"))
        tokens.append(ChatToken(vectors=vectors, usage=usage, finish_reason="stop"))


def _in_order(entries: list[Any]) -> list[dict[str, Any]]:
    """The entries by their `index`, where each has one of its own; else as they stand."""
    if not all(isinstance(entry, dict) for entry in entries):
        raise StreamError("the server sent no vectors: an entry of `data` is no object")
    places = [entry.get("index") for entry in entries]
    if all(type(place) is int for place in places) and len(set(places)) == len(places):
        return sorted(entries, key=lambda entry: int(entry["index"]))
    return entries


def _vector(entry: dict[str, Any]) -> tuple[float, ...]:
    """A vector that came as a list of numbers, or as base64 of 32-bit floats."""
    value = entry.get("embedding")
    try:
        if isinstance(value, str):
            parts = tuple(part for (part,) in struct.iter_unpack("<f", _bytes(value)))
        else:
            parts = tuple(map(float, value or ()))
    except (TypeError, ValueError, OverflowError, binascii.Error, struct.error) as error:
        raise StreamError(f"the server sent a vector that cannot be read: {error}") from None
    if not parts or not all(map(math.isfinite, parts)):
        raise StreamError("the server sent a vector that is empty or not finite")
    return parts


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _usage(value: Any) -> Usage | None:
    tokens = value.get("prompt_tokens") if isinstance(value, dict) else None
    return Usage(prompt_tokens=tokens) if type(tokens) is int and tokens > 0 else None
