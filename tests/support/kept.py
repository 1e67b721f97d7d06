"""The `council` command with a store of its own, against servers that count what they are asked."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread
import yaml

from council.store.store import Store
from council.testing import RawServer

ROOT = Path(__file__).parents[2]
COUNCIL = [sys.executable, "-m", "council.cli"]


@dataclass(frozen=True)
class Kept:
    """A folder with a panel file and a store."""

    folder: Path

    @property
    def path(self) -> Path:
        """The store's file."""
        return self.folder / "kept" / "runs.sqlite3"

    @property
    def store(self) -> Store:
        """The store, as another process sees it."""
        return Store(self.path)

    @property
    def panel_file(self) -> str:
        """The panel file."""
        return str(self.folder / "panel.yaml")

    def panel(self, *servers: RawServer | str, **more: Any) -> str:
        """Writes the panel file, with an expert for each server or URL."""
        urls = [server if isinstance(server, str) else server.url for server in servers]
        experts = [{"model": "m", "endpoint": url, "retries": 0} for url in urls]
        Path(self.panel_file).write_text(yaml.safe_dump({"experts": experts, **more}))
        return self.panel_file

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which the command finds the store."""
        return {**os.environ, "COUNCIL_STORE": str(self.path), "COLUMNS": "200"}

    async def council(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the command to its end."""

        def call() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*COUNCIL, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                cwd=ROOT,
                env=self.environment,
                timeout=100,
                check=False,
            )

        return await anyio.to_thread.run_sync(call)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts the command."""
        return subprocess.Popen(
            [*COUNCIL, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=self.environment,
        )
