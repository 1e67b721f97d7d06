"""One life of a worker process, seen from the server."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from pathlib import Path

from backend.engine.frames import encode_command, read_event
from backend.engine.messages import Command, Event

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


class Child:
    """A running worker: commands in, events out, and how it ended."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Takes a process started with three pipes."""
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._commands = process.stdin
        self._events = process.stdout
        self._told: deque[str] = deque(maxlen=20)
        self._listener = asyncio.create_task(self._listen(process.stderr))

    @classmethod
    async def spawn(cls) -> Child:
        """Starts a worker process.

        Raises:
            OSError: The system has no room for one.
        """
        environment = dict(os.environ)
        # OpenMP's threads spin while they wait. With more threads than idle cores, as when several
        # models answer at once, that stalls all of them: seconds became minutes. Not to spin at
        # all costs as much again as decoding does: a moment is enough for the next operation.
        if "OMP_WAIT_POLICY" not in environment:
            environment.setdefault("GOMP_SPINCOUNT", "10000")
        paths = [str(_PACKAGE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "backend.engine.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**environment, "PYTHONPATH": os.pathsep.join(paths)},
            # Ctrl-C in a terminal is for the server alone.
            start_new_session=True,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def send(self, command: Command) -> None:
        """Sends a command; does nothing when the process is gone."""
        if not self._commands.is_closing():
            self._commands.write(encode_command(command))

    async def read(self) -> Event | None:
        """The next event; None when the process sends no more."""
        return await read_event(self._events)

    async def close(self, patience: float) -> None:
        """Ends the process: closing its pipe asks it to, and force follows after some seconds."""
        self._commands.close()
        try:
            async with asyncio.timeout(patience):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._listener

    def epitaph(self) -> str:
        """How the process ended, in words; only after ``close``."""
        code = self._process.returncode or 0
        if code == -signal.SIGKILL:
            return "its worker process was killed (by hand, or because memory ran out)"
        if code < 0:
            return f"its worker process died of {signal.Signals(-code).name}"
        last = f": {self._told[-1]}" if self._told else ""
        return f"its worker process ended with exit code {code}{last}"

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        """Keeps the pipe of standard error from filling up, and its last lines."""
        while piece := await stream.read(4096):
            lines = piece.decode("utf-8", "replace").splitlines()
            self._told.extend(line.strip() for line in lines if line.strip())
