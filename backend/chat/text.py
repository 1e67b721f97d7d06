"""Text from the bytes of tokens."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from backend.chat.stops import StopFilter


class TextAssembler:
    """Bytes of tokens in, text out: whole characters only, and nothing of a stop string.

    A token can end inside a character; its bytes wait for the rest. Bytes that are no UTF-8 become
    U+FFFD, and so does a character that is still incomplete when the text ends.
    """

    def __init__(self, stops: Sequence[str] = ()) -> None:
        """Takes the strings that end the text."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._filter = StopFilter(stops)

    @property
    def stopped(self) -> bool:
        """Whether a stop string is complete: the text has ended."""
        return self._filter.stopped

    @property
    def stop(self) -> str | None:
        """The stop string that is complete."""
        return self._filter.found

    def feed(self, piece: bytes) -> str:
        """Takes the bytes of one token; returns the text that is certain now."""
        return self._filter.feed(self._decoder.decode(piece))

    def finish(self) -> str:
        """The last token has come: returns what is left."""
        rest = self._filter.feed(self._decoder.decode(b"", final=True))
        return rest + self._filter.flush()
