"""The body of one streamed reply, whatever API it is of: an event stream, or one JSON object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import jiter

from council.agents.sse import ServerSentEvent, SSEDecoder
from council.errors import StreamError
from council.messages import ChatToken

_EXCERPT_BYTES = 200


class StreamBody(ABC):
    """Sans-IO: bytes in, tokens out; any cutting gives the same tokens.

    A server that answers a stream request with one plain JSON object is understood too: the first
    byte that is not blank tells. Subclasses know what events and objects of their API say.

    `feed` and `end` are generators that raise where the stream does, so that tokens which came
    before an error in the same read are not lost.
    """

    def __init__(self) -> None:
        self._sse = SSEDecoder()
        self._json: list[bytes] | None = None
        self._undecided = b""
        self._begun = False

    @property
    @abstractmethod
    def done(self) -> bool:
        """Whether nothing after this counts."""

    @property
    @abstractmethod
    def whole(self) -> bool:
        """Whether the reply has ended."""

    @abstractmethod
    def take_event(self, event: ServerSentEvent) -> Iterator[ChatToken]:
        """The tokens of one event; raises StreamError where it is malformed or an error."""

    @abstractmethod
    def take_object(self, data: bytes) -> Iterator[ChatToken]:
        """The tokens of a whole reply in one JSON object; errors as for `take_event`."""

    def feed(self, data: bytes) -> Iterator[ChatToken]:
        """Takes the next bytes of the body.

        Raises:
            StreamError: A frame is malformed, or carries an error.
        """
        if self._begun:
            yield from self._tokens(self._sse.feed(data))
        elif self._json is not None:
            self._json.append(data)
        else:
            yield from self._begin(self._undecided + data)

    def end(self) -> Iterator[ChatToken]:
        """Ends a body that was closed without a transport error.

        Raises:
            StreamError: As for `feed`; and when the reply was not whole.
        """
        if self._json is not None:
            yield from self.take_object(b"".join(self._json))
        else:
            yield from self._tokens([event for event in self._sse.flush() if self.usable(event)])
        if not self.whole:
            empty = "the response was empty"
            cut = "the stream ended before the reply was finished"
            raise StreamError(cut if self._begun or self._json is not None else empty)

    def usable(self, event: ServerSentEvent) -> bool:
        """Whether an event that ended without its blank line is more than half a frame."""
        return event.event == "error" or is_json(event.data)

    def _begin(self, data: bytes) -> Iterator[ChatToken]:
        start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        if not start:
            self._undecided = data
        elif start == b"{":
            self._json = [data[data.index(b"{") :]]
        else:
            self._begun = True
            yield from self._tokens(self._sse.feed(data))

    def _tokens(self, events: list[ServerSentEvent]) -> Iterator[ChatToken]:
        for event in events:
            if self.done:
                return
            yield from self.take_event(event)


def parse_object(data: bytes) -> dict[str, Any]:
    """A JSON object; malformed UTF-8 in it becomes U+FFFD, as the standard wants.

    Raises:
        StreamError: It is something else.
    """
    try:
        value = jiter.from_json(data)
    except ValueError:
        try:
            value = jiter.from_json(data.decode("utf-8", "replace").encode())
        except ValueError as error:
            raise StreamError(f"malformed frame ({error}): {excerpt(data)}") from error
    if not isinstance(value, dict):
        raise StreamError(f"malformed frame (not an object): {excerpt(data)}")
    return value


def is_json(data: bytes) -> bool:
    """Whether data is whole JSON."""
    try:
        jiter.from_json(data)
    except ValueError:
        return False
    return True


def excerpt(data: bytes) -> str:
    """The beginning of a frame, for an error."""
    return data[:_EXCERPT_BYTES].decode("utf-8", "replace")
