"""A real terminal to look at: tmux, whose screen can be read, resized and typed into."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio.to_thread
import pytest

from tests.support.processes import wait_until

needs_tmux = pytest.mark.skipif(
    shutil.which("tmux") is None, reason="tmux is not installed: no terminal to look at"
)

_PATIENCE = 200.0


class Terminal:
    """One window of a tmux of its own, which nobody's settings reach."""

    def __init__(self, socket: str, folder: Path) -> None:
        self._socket = socket
        self._folder = folder

    def tmux(self, *arguments: str) -> str:
        """One command of tmux; what it prints."""
        done = subprocess.run(
            ["tmux", "-S", self._socket, "-f", "/dev/null", *arguments],
            capture_output=True,
            text=True,
            check=True,
            cwd=self._folder,
            timeout=_PATIENCE,
        )
        return done.stdout

    def screen(self) -> str:
        """What stands on the screen, without the space at the end of lines."""
        return self.tmux("capture-pane", "-p", "-t", "main")

    def lines(self) -> list[str]:
        """The lines of the screen."""
        return self.screen().splitlines()

    def keys(self, *keys: str) -> None:
        """Types keys, by tmux's names for them."""
        self.tmux("send-keys", "-t", "main", *keys)

    def resize(self, width: int, height: int) -> None:
        """Changes the size of the window."""
        self.tmux("resize-window", "-t", "main", "-x", str(width), "-y", str(height))

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], *, out: Path | None = None
    ) -> None:
        """Runs a command in the window; `left with` and its exit code stand below it at its end.

        Args:
            arguments: The command.
            environment: What is set for it besides.
            out: The file that its standard output goes to, if not to the window.
        """
        exports = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
        to = f" > {shlex.quote(str(out))}" if out else ""
        # No shell that controls jobs: it would take the terminal from a process that is stopped.
        lines = [*exports, "trap : INT", shlex.join(arguments) + to, "echo left with $?", "cat"]
        (self._folder / "command.sh").write_text("\n".join(lines))
        self.tmux("respawn-pane", "-k", "-t", "main", "sh command.sh")

    async def until(self, condition: Callable[[str], object]) -> str:
        """The screen as soon as it is so."""
        seen = ""

        def is_so() -> bool:
            nonlocal seen
            seen = self.screen()
            return bool(condition(seen))

        try:
            await anyio.to_thread.run_sync(wait_until, is_so, _PATIENCE)
        except AssertionError:
            raise AssertionError(f"the screen never came to be so; it is:\n{seen}") from None
        return seen

    async def shows(self, *texts: str) -> str:
        """The screen as soon as all of these stand on it."""
        return await self.until(lambda screen: all(text in screen for text in texts))


@contextmanager
def terminal(folder: Path, width: int = 100, height: int = 30) -> Generator[Terminal, None, None]:
    """A terminal of that size."""
    # Not in the test's folder: the path of a socket may not be long.
    with TemporaryDirectory(prefix="tmux") as place:
        opened = Terminal(f"{place}/socket", folder)
        opened.tmux("new-session", "-d", "-s", "main", "-x", str(width), "-y", str(height), "cat")
        try:
            yield opened
        finally:
            opened.tmux("kill-server")
