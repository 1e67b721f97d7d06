"""The protocol over standard input and output, which carry nothing else."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any

import anyio
import anyio.to_thread
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server


class Lines(anyio.AsyncFile[str]):
    """Lines of a file that may never end: whoever stops reading does not wait for the next one."""

    async def __aiter__(self) -> AsyncGenerator[str, None]:
        read = self.wrapped.readline
        while line := await anyio.to_thread.run_sync(read, abandon_on_cancel=True):
            yield line


async def serve_stdio(server: Server[Any]) -> None:
    """Serves until standard input ends.

    Whatever else writes to standard output meanwhile goes to standard error, and nobody else reads
    standard input.
    """
    with _own_input() as lines:
        async with stdio_server(stdin=lines) as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())


@contextmanager
def _own_input() -> Iterator[Lines]:
    """Standard input, moved away from where child processes would find it."""
    own = os.fdopen(os.dup(0), "rb", closefd=False)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    yield Lines(TextIOWrapper(own, encoding="utf-8", errors="replace"))
