"""`council backend`: the bundled server, run by hand."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import typer

from council.cli.exit_codes import USAGE


def backend_command(context: typer.Context) -> None:
    """Serve GGUF models as an OpenAI-compatible server (same as python -m backend).

    Example: council backend --model builtin:sage --port 11434
    """
    if importlib.util.find_spec("backend") is None:
        typer.echo(
            "council: error: the backend is not installed: run 'scripts/setup', or"
            " pip install '.[backend]' in council's folder",
            err=True,
        )
        raise typer.Exit(USAGE)
    command = [sys.executable, "-m", "backend", *context.args]
    if os.name == "posix":
        # Becomes the server: whoever ends this process by its number ends the server.
        os.execv(sys.executable, command)
    raise typer.Exit(subprocess.call(command))
