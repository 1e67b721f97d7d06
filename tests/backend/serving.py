"""Starts the real server for tests: ``python -m backend`` as a child, and waits for its lines."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import httpx

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


class Server:
    """A running server: its address, its process, and what it writes to standard error."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "backend", "--port", "0", "--drain", "0", *arguments],
            cwd=ROOT,
            env={**os.environ, "COUNCIL_BACKEND_AUDIT": "1"},
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self._arrived: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = ""

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())
            self._arrived.put(line.rstrip())
        self._arrived.put(None)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Waits for a line of standard error."""
        while (line := self._arrived.get(timeout=PATIENCE)) is not None:
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"the server ended without {pattern!r}: {self.lines}")

    def ready(self) -> Server:
        """Waits until its models are loaded."""
        self.url = self.wait_for(r"listening on (http://\S+)")[1]
        self.wait_for(r"^council-backend: (ready|no model) on")
        return self

    def wait(self) -> int:
        """Waits for the process to end; returns its exit code."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def close(self) -> None:
        """Ends it, however it is."""
        assert self.process.stdin is not None
        assert self.process.stderr is not None
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stderr.close()


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[Server]:
    """A server with its models loaded."""
    server = Server(*arguments)
    try:
        yield server.ready()
    finally:
        server.close()


def client(server: Server) -> httpx.AsyncClient:
    """A client for a server."""
    return httpx.AsyncClient(base_url=server.url, timeout=PATIENCE)


async def health(web: httpx.AsyncClient, model: int = 0) -> dict[str, Any]:
    """What /health says of one model."""
    body: dict[str, Any] = (await web.get("/health")).json()
    found: dict[str, Any] = body["models"][model]
    return found


async def until(
    web: httpx.AsyncClient, good: Callable[[Mapping[str, Any]], bool], model: int = 0
) -> dict[str, Any]:
    """Asks /health until it says something about a model; the last answer."""
    with anyio.fail_after(PATIENCE):
        while not good(found := await health(web, model)):
            await anyio.lowlevel.checkpoint()
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but is not yet collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


async def gone(pid: int) -> None:
    """Waits until a process, which need not be a child of this one, has ended."""
    descriptor = None
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
    if descriptor is None:
        return
    try:
        with anyio.fail_after(PATIENCE):
            await anyio.wait_readable(descriptor)
    finally:
        os.close(descriptor)


def ask(text: object = "hello", **fields: object) -> dict[str, object]:
    """The body of a chat request."""
    return {"messages": [{"role": "user", "content": text}], **fields}
