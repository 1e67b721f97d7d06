"""A command at a terminal of its own, typed at and read as a person would."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import anyio.to_thread

ROOT = Path(__file__).parents[2]
COUNCIL = [sys.executable, "-m", "council.cli"]

CTRL_C, CTRL_D, CTRL_Z, TAB, UP, ALT_ENTER = "\x03", "\x04", "\x1a", "\t", "\x1b[A", "\x1b\r"
READY = "\x1b[?2004h"
"""What a prompt that is ready for keys begins with: pasted text is to be marked."""

_PATIENCE = 60.0  # seconds; the machine may be busy
_STYLE = re.compile(r"\x1b\[[0-9;:]*m")


class Typed:
    """A process and the terminal it has.

    Attributes:
        process: The process.
        shown: All that it has written, without colours.
    """

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self.shown = ""
        self._terminal = terminal
        self._looked_at = 0

    def type(self, text: str) -> None:
        """Sends keys."""
        os.write(self._terminal, text.encode())

    def say(self, line: str) -> None:
        """Types a line and presses Enter."""
        self.type(f"{line}\r")

    async def until(self, *texts: str) -> str:
        """Waits for texts, one behind the other and behind what was waited for before.

        Returns:
            What came up to the end of the last.
        """
        parts = [await anyio.to_thread.run_sync(self._until, text) for text in texts]
        return "".join(parts)

    async def end(self) -> int:
        """Waits for the process to end; returns its exit code."""
        await anyio.to_thread.run_sync(self._rest)
        return await anyio.to_thread.run_sync(self.process.wait, _PATIENCE)

    def _until(self, text: str) -> str:
        limit = time.monotonic() + _PATIENCE
        while (at := self.shown.find(text, self._looked_at)) < 0:
            left = limit - time.monotonic()
            assert left > 0, f"never shown: {text!r}; instead: {self.shown[self._looked_at :]!r}"
            assert self._read(left), f"ended without {text!r}: {self.shown[self._looked_at :]!r}"
        begin, self._looked_at = self._looked_at, at + len(text)
        return self.shown[begin : self._looked_at]

    def _rest(self) -> None:
        limit = time.monotonic() + _PATIENCE
        while self._read(limit - time.monotonic()):
            pass

    def _read(self, seconds: float) -> bool:
        """Takes what is there, waiting for it; False where the process has let go."""
        ready, _, _ = select.select([self._terminal], [], [], max(0.0, seconds))
        assert ready, f"silent for too long after: {self.shown[-2000:]!r}"
        try:
            piece = os.read(self._terminal, 65_536)
        except OSError:  # how Linux tells of the other side's end
            return False
        text = piece.decode("utf-8", "replace").replace("\r\n", "\n")
        self.shown += _STYLE.sub("", text)
        return bool(piece)


@contextmanager
def typed(
    *arguments: str,
    env: Mapping[str, str],
    term: str = "xterm",
    stdout: int | None = None,
    command: Sequence[str] = COUNCIL,
) -> Iterator[Typed]:
    """Runs the command at a terminal for the length of the block.

    Args:
        arguments: Its arguments.
        env: Its environment besides that of the tests.
        term: The kind of terminal.
        stdout: Where standard output goes; None for the terminal.
        command: What to run.
    """
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 200))
    names = ("NO_COLOR", "CI", "COLUMNS", "LINES")
    inherited = {name: value for name, value in os.environ.items() if name not in names}
    process = subprocess.Popen(
        [*command, *arguments],
        cwd=ROOT,
        env={**inherited, "TERM": term, "PROMPT_TOOLKIT_NO_CPR": "1", **env},
        stdin=theirs,
        stdout=theirs if stdout is None else stdout,
        stderr=theirs,
        # Ctrl-C is the terminal's to send, to the session that it leads.
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(theirs)
    try:
        yield Typed(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _take_terminal() -> None:
    """Makes standard input the terminal of this session."""
    import fcntl

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
