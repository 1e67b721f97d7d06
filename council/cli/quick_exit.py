"""Ctrl-C where nothing is under way that would have to be stopped in order."""

from __future__ import annotations

import os
import signal
from types import FrameType

from council.cli.exit_codes import INTERRUPTED


def exit_on_interrupt() -> None:
    """Makes Ctrl-C end this process at once with exit code 130.

    An interrupt in the middle of an import would be a traceback through code that nobody asked
    about. A run listens for itself, see `interrupts.py`.
    """
    # Who starts a program in the background may want interrupts ignored: that stays.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _exit)


def _exit(number: int, frame: FrameType | None) -> None:
    # Not sys.exit: that is an exception too, which an import may catch or report.
    os._exit(INTERRUPTED)
