"""Ctrl-Z: the shell finds its terminal as it was, and `fg` finds the picture again."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType


@contextmanager
def given_back_when_suspended(
    given_back: Callable[[], AbstractContextManager[None]],
) -> Generator[None, None, None]:
    """While the block runs, the process stops from the keyboard only inside of `given_back()`.

    Where somebody else minds the signal, or this is not the main thread, nothing changes.
    """
    number = getattr(signal, "SIGTSTP", None)
    here = threading.current_thread() is threading.main_thread()
    if number is None or not here or signal.getsignal(number) is not signal.SIG_DFL:
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        with given_back():
            # Not the same signal with its default action: it would arrive after this block.
            os.kill(os.getpid(), signal.SIGSTOP)

    signal.signal(number, stop)
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_DFL)
