"""Writing to people and pipes, whatever has become of them."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TextIO

_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
# Commands to a terminal as a whole (CSI; OSC and its like): their remains would be read as text.
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"
)
# All control characters but line feed and tab: a model's words must not move the cursor, set the
# window's title or clear the screen.
# Nor may embeddings, overrides and isolates turn round what stands beside them.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """Text from a model without what a terminal would obey."""
    return _CONTROLS.sub("", _SEQUENCES.sub("", text))


def one_line(text: str, width: int = 120) -> str:
    """Text from a model on one line, cut where it is longer than so many characters."""
    flat = " ".join(harmless(text).split())
    return flat if len(flat) <= width else f"{flat[: width - 1]}…"


def say(text: str) -> None:
    """A line on standard error; where nobody listens any more it is dropped, not the answer.

    What a terminal would obey is taken out: errors and reasons repeat what servers say.
    """
    _write(sys.stderr, harmless(text))


def complain(error: Exception) -> None:
    """An error on standard error; one that tells of several mistakes has a line for each."""
    for line in str(error).splitlines():
        say(f"council: error: {line}")


def answer(text: str) -> bool:
    """A line on standard output; False when it could not be written.

    A reader that has gone (`council run … | head -1`) has enough, so that counts as written.
    """
    return _write(sys.stdout, harmless(text) if _is_terminal(sys.stdout) else text)


def feed(text: str) -> bool:
    """As `answer`, for one of many lines; raises BrokenPipeError where its reader has gone.

    The lines to come cost something, and nobody is there to have them.
    """
    return _write(sys.stdout, harmless(text) if _is_terminal(sys.stdout) else text, needed=True)


def paint(text: str) -> bool:
    """A line with styles of our own on standard output; as for `answer`."""
    return _write(sys.stdout, text)


def shows_styles(stream: TextIO | None) -> bool:
    """Whether a stream leads to a terminal that can do more than plain lines."""
    return (
        stream is not None
        and stream.isatty()
        and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")
    )


def put(stream: TextIO, text: str) -> None:
    """Writes a text, whatever the stream's encoding can say; raises OSError."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        # As JSON would write it: what a program reads stays whole, and a person can read on.
        stream.write(_BEYOND_ASCII.sub(lambda match: json.dumps(match[0])[1:-1], text))
    stream.flush()


def _write(stream: TextIO | None, text: str, *, needed: bool = False) -> bool:
    if stream is None:  # closed before the program began
        return False
    try:
        put(stream, text + "\n")
    except OSError as error:
        # Nothing more can be written there, not even by the interpreter's own flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if needed and isinstance(error, BrokenPipeError):
            raise
        return isinstance(error, BrokenPipeError)
    return True


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()
