"""Writing to people and pipes, whatever has become of them."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TextIO

_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
# All control characters but line feed and tab: a model's words must not move the cursor, set the
# window's title or clear the screen.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def harmless(text: str) -> str:
    """Text from a model without what a terminal would obey."""
    return _CONTROLS.sub("", text)


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


def _write(stream: TextIO | None, text: str) -> bool:
    if stream is None:  # closed before the program began
        return False
    try:
        _write_line(stream, text)
        stream.flush()
    except OSError as error:
        # Nothing more can be written there, not even by the interpreter's own flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return isinstance(error, BrokenPipeError)
    return True


def _write_line(stream: TextIO, text: str) -> None:
    try:
        stream.write(text + "\n")
    except UnicodeEncodeError:
        # As JSON would write it: what a program reads stays whole, and a person can read on.
        stream.write(_BEYOND_ASCII.sub(lambda match: json.dumps(match[0])[1:-1], text) + "\n")


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()
