"""The body of one streamed reply, whatever API it is of: an event stream, or one JSON object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import jiter

from council.agents.sse import MAX_EVENT_BYTES, ServerSentEvent, SSEDecoder
from council.errors import StreamError
from council.messages import ChatToken

QUOTED_BYTES = 16 * 1024
"""The most of what a server sent that an error takes along: far more than is shown, so that keys
are whole when they are looked for; the fence cuts afterwards."""

_BLANKS = b"\xef\xbb\xbf \t\r\n"  # a byte order mark too


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
        self._begun = False
        self._unread = 0  # bytes that are no event stream, or not known to be one

    @property
    @abstractmethod
    def done(self) -> bool:
        """Whether nothing after this counts."""

    @property
    @abstractmethod
    def whole(self) -> bool:
        """Whether the reply has ended."""

    @abstractmethod
    def take_event(self, event: ServerSentEvent, tokens: list[ChatToken]) -> None:
        """Adds the tokens of one event; raises StreamError where it is malformed or an error."""

    @abstractmethod
    def take_object(self, data: bytes, tokens: list[ChatToken]) -> None:
        """Adds the tokens of a whole reply in one JSON object; errors as for `take_event`."""

    def feed(self, data: bytes) -> Iterator[ChatToken]:
        """Takes the next bytes of the body.

        Raises:
            StreamError: A frame is malformed, an error, or larger than `MAX_EVENT_BYTES`.
        """
        tokens: list[ChatToken] = []
        try:
            if self._begun:
                self._take(self._sse.feed(data), tokens)
            else:
                self._begin(data, tokens)
        finally:
            yield from tokens

    def end(self) -> Iterator[ChatToken]:
        """Ends a body that was closed without a transport error.

        Raises:
            StreamError: As for `feed`; and when the reply was not whole.
        """
        tokens: list[ChatToken] = []
        try:
            if self._json is not None:
                self.take_object(b"".join(self._json), tokens)
            else:
                usable = [event for event in self._sse.flush() if self.usable(event)]
                self._take(usable, tokens)
        finally:
            yield from tokens
        if not self.whole:
            empty = "the response was empty"
            cut = "the stream ended before the reply was finished"
            raise StreamError(cut if self._begun or self._json is not None else empty)

    def usable(self, event: ServerSentEvent) -> bool:
        """Whether an event that ended without its blank line is more than half a frame."""
        return event.event == "error" or is_json(event.data)

    def _begin(self, data: bytes, tokens: list[ChatToken]) -> None:
        start = data.lstrip(_BLANKS)[:1]
        if self._json is not None:
            self._json.append(data)
        elif start == b"{":
            self._json = [data[data.index(b"{") :]]
        else:
            # Blanks are the decoder's from the start: it keeps next to nothing of them.
            self._begun = bool(start)
            self._take(self._sse.feed(data), tokens)
        if not self._begun:
            self._count(len(data))

    def _count(self, size: int) -> None:
        self._unread += size
        if self._unread > MAX_EVENT_BYTES:
            raise StreamError(f"the response is larger than {MAX_EVENT_BYTES} bytes")

    def _take(self, events: list[ServerSentEvent], tokens: list[ChatToken]) -> None:
        for event in events:
            if self.done:
                return
            self.take_event(event, tokens)


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
    """The beginning of a frame, for an error that `CallContext.locate` cuts."""
    return data[:QUOTED_BYTES].decode("utf-8", "replace")
