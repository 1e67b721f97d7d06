"""Event-stream decoding by the WHATWG rules: bytes in, events out, no sockets.

Two departures, both for servers seen in the wild, both part of `lenient` (the default):

- a line `error: …` (a field the standard does not know) is an error event with that data;
- at a clean end of the stream a pending event is handed out though its blank line is missing.

Source: WHATWG HTML, "Server-sent events", section "Interpreting an event stream".
"""

from __future__ import annotations

from typing import NamedTuple

from council.errors import StreamError

MAX_EVENT_BYTES = 16 * 1024 * 1024

_BOM = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """One event, its data still bytes: JSON parsers take them as they are."""

    data: bytes
    event: str = "message"
    id: str = ""
    retry: int | None = None

    @property
    def text(self) -> str:
        """The data as text; malformed UTF-8 becomes U+FFFD."""
        return self.data.decode("utf-8", "replace")


class SSEDecoder:
    """Feed it bytes as they come, cut anywhere; it returns the events they complete.

    Args:
        lenient: Apply the departures named in the module's docstring.
        max_event_bytes: The most that one event or line may hold.

    Raises:
        StreamError: From `feed`, when an event grows past `max_event_bytes`.
    """

    def __init__(self, *, lenient: bool = True, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._lenient = lenient
        self._max = max_event_bytes
        self._line: list[bytes] = []  # pieces of the line that is not ended yet
        self._line_bytes = 0
        self._after_cr = False
        self._first_line = True
        self._at_rest = False  # whether what comes next begins an event
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._event = ""
        self._id = ""
        self._retry: int | None = None

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Takes the next bytes and returns the events that are complete now."""
        if self._at_rest and _is_one_event(chunk):
            return [tuple.__new__(ServerSentEvent, (chunk[6:-2], "message", self._id, None))]
        events: list[ServerSentEvent] = []
        for line in self._complete_lines(chunk):
            event = self._take_line(line)
            if event is not None:
                events.append(event)
        pending = self._line or self._data or self._event or self._after_cr or self._first_line
        self._at_rest = not pending and self._retry is None
        return events

    def flush(self) -> list[ServerSentEvent]:
        """Ends the stream, which has to have ended cleanly; returns what was still pending."""
        if not self._lenient:
            return []
        events = []
        if self._line:
            line = b"".join(self._line)
            self._line = []
            pending = self._take_line(line)
            if pending is not None:
                events.append(pending)
        last = self._dispatch()
        if last is not None:
            events.append(last)
        return events

    def _complete_lines(self, chunk: bytes) -> list[bytes]:
        if self._after_cr and chunk:
            # The CR ended its line already; an LF right behind it belongs to it.
            self._after_cr = False
            if chunk[:1] == b"\n":
                chunk = chunk[1:]
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if lines:
            lines[0] = b"".join([*self._line, lines[0]])
            self._line = []
            self._line_bytes = 0
        if rest:
            self._line.append(rest)
            self._line_bytes += len(rest)
            self._check_size(self._line_bytes)
        return lines

    def _take_line(self, line: bytes) -> ServerSentEvent | None:
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        if line.startswith(b":"):
            return None
        name, _, value = line.partition(b":")
        self._take_field(name, value.removeprefix(b" "))
        return None

    def _take_field(self, name: bytes, value: bytes) -> None:
        if name == b"data":
            self._append_data(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id":
            if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
        elif name == b"retry":
            if value.isdigit():
                self._retry = int(value)
        elif name == b"error" and self._lenient:
            self._event = "error"
            self._append_data(value)

    def _append_data(self, value: bytes) -> None:
        self._data.append(value)
        self._data_bytes += len(value) + 1
        self._check_size(self._data_bytes)

    def _check_size(self, size: int) -> None:
        if size > self._max:
            raise StreamError(f"an event of the stream is larger than {self._max} bytes")

    def _dispatch(self) -> ServerSentEvent | None:
        data, name = self._data, self._event
        retry, self._retry = self._retry, None
        self._data, self._data_bytes, self._event = [], 0, ""
        if not data:
            return None
        return ServerSentEvent(b"\n".join(data), name or "message", self._id, retry)


def _is_one_event(chunk: bytes) -> bool:
    """Whether bytes are exactly one event of one line of data, as most tokens come.

    Finding that out and taking them whole costs a third of reading them line by line.
    """
    return (
        chunk.find(b"\n") == len(chunk) - 2
        and chunk.startswith(b"data: ")
        and chunk.endswith(b"\n\n")
        and b"\r" not in chunk
    )
