"""Writing to a terminal what is no whole line: a prompt, an answer that is being written."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TextIO

from council.cli.terminal import harmless, put


def prompt(text: str) -> None:
    """The beginning of a line on standard error, where that is a terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        _put(sys.stderr, text)


def piece(text: str) -> None:
    """More of an answer on standard output, without what a terminal would obey."""
    _put(sys.stdout, harmless(text))


def _put(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed before the program began
        return
    with suppress(OSError):  # the terminal has gone, and its signal is on the way
        put(stream, text)
