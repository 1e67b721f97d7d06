"""A folder for one chat: its panel, its store, its history of questions."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncGenerator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from council.store.store import Store
from council.testing import RawServer, Request, Step, whole_reply
from council.testing.raw_server import serving
from tests.support.kept import Kept
from tests.support.typed import COUNCIL, ROOT, Typed, typed


@dataclass(frozen=True)
class ChatFolder:
    """Where the chats of one test are at home."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """The environment that keeps them there."""
        return {
            "COUNCIL_STORE": str(self.folder / "runs.sqlite3"),
            "XDG_DATA_HOME": str(self.data),
        }

    @property
    def data(self) -> Path:
        """The user's data folder."""
        return self.folder / "data"

    @property
    def store(self) -> Store:
        """The store, as another process sees it."""
        return Store(self.folder / "runs.sqlite3")

    def panel(self, *servers: RawServer | str, **more: Any) -> str:
        """Writes the panel file, with an expert for each server or URL."""
        return Kept(self.folder).panel(*servers, **more)

    def typed(self, *arguments: str, **how: Any) -> AbstractContextManager[Typed]:
        """`council chat` at a terminal."""
        return typed("chat", *arguments, env=self.env, **how)

    async def piped(self, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`council chat` with lines from a pipe, to its end."""

        def call() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*COUNCIL, "chat", *arguments],
                input=text,
                capture_output=True,
                text=True,
                cwd=ROOT,
                env={**os.environ, **self.env},
                timeout=100,
                check=False,
            )

        return await anyio.to_thread.run_sync(call)


def said(request: Request) -> list[str]:
    """The texts of a request's messages, in order."""
    return [message["content"] for message in request.json["messages"]]


def asked(server: RawServer) -> list[list[str]]:
    """The texts of the messages of all requests."""
    return [said(request) for request in server.requests]


@asynccontextmanager
async def counting() -> AsyncGenerator[RawServer, None]:
    """A server whose n-th answer is `answer n`."""
    numbers: Iterator[int] = iter(range(1, 1000))

    def answer(request: Request) -> list[Step]:
        return whole_reply("answer ", str(next(numbers)))

    async with serving(answer) as server:
        yield server
