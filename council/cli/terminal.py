"""Writing to people and pipes, whatever has become of them."""

from __future__ import annotations

import os
import re
import sys
from typing import TextIO

# All control characters but line feed and tab: a model's words must not move the cursor, set the
# window's title or clear the screen.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def harmless(text: str) -> str:
    """Text from a model without what a terminal would obey."""
    return _CONTROLS.sub("", text)


def say(text: str) -> None:
    """A line on standard error; where nobody listens any more it is dropped, not the answer."""
    _write(sys.stderr, text)


def answer(text: str) -> bool:
    """A line on standard output; False when it could not be written.

    A reader that has gone (`council run … | head -1`) has enough, so that counts as written.
    """
    return _write(sys.stdout, harmless(text) if _is_terminal(sys.stdout) else text)


def _write(stream: TextIO | None, text: str) -> bool:
    if stream is None:  # closed before the program began
        return False
    try:
        stream.write(text + "\n")
        stream.flush()
    except OSError as error:
        # Nothing more can be written there, not even by the interpreter's own flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return isinstance(error, BrokenPipeError)
    return True


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()
