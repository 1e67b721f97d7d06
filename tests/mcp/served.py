"""`council mcp` as a client's own process, with experts whose every byte the test sends."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import yaml
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import CallToolResult, TextContent

ROOT = Path(__file__).parents[2]
PATIENCE = 100.0
MODES = ("auto", "legacy")
"""The protocol of today, and the handshake of the versions before it."""


@dataclass
class Place:
    """A folder with panel files and a store."""

    folder: Path

    def panel(self, name: str, *endpoints: str, **more: Any) -> str:
        """Writes a panel file, with an expert for each endpoint."""
        experts = [
            {"id": f"e{number}", "model": "m", "endpoint": endpoint, "retries": 0}
            for number, endpoint in enumerate(endpoints)
        ]
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump({"experts": experts, **more}))
        return str(path)

    @property
    def environment(self) -> dict[str, str]:
        """What the process needs to know besides its arguments."""
        store = str(self.folder / "kept" / "runs.sqlite3")
        return {**os.environ, "COUNCIL_STORE": store, "PYTHONPATH": str(ROOT), "NO_PROXY": "*"}

    def command(self, *arguments: str) -> list[str]:
        """The command line."""
        return ["-m", "council", "mcp", *arguments]


@dataclass
class Heard:
    """What a client was told of a call's progress."""

    values: list[float] = field(default_factory=list)
    totals: list[float | None] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.values.append(progress)
        self.totals.append(total)
        self.messages.append(message or "")


@asynccontextmanager
async def over_stdio(place: Place, *arguments: str, mode: str) -> AsyncGenerator[Client, None]:
    """A client with the command as its child, as programs start it."""
    server = StdioServerParameters(
        command=sys.executable, args=place.command(*arguments), env=place.environment, cwd=ROOT
    )
    async with Client(stdio_client(server), mode=mode) as client:
        yield client


@asynccontextmanager
async def process(
    place: Place, *arguments: str, **variables: str
) -> AsyncGenerator[asyncio.subprocess.Process, None]:
    """The command as a process, killed at the end of the block if it still goes on."""
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        *place.command(*arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**place.environment, **variables},
        cwd=ROOT,
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def line_of(stream: asyncio.StreamReader | None) -> str:
    """The next line that a process writes."""
    assert stream is not None
    with anyio.fail_after(PATIENCE):
        return (await stream.readline()).decode()


def texts(result: CallToolResult) -> list[str]:
    """The texts of a result."""
    blocks: Sequence[object] = result.content
    return [block.text for block in blocks if isinstance(block, TextContent)]
