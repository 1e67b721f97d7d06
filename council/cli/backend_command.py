"""`council backend`: the bundled server, run by hand."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import typer

from council.cli.exit_codes import INTERRUPTED, USAGE


def backend_command(context: typer.Context) -> None:
    """Serve GGUF models as an OpenAI-compatible server (same as python -m backend).

    Example: council backend --model builtin:sage --port 11434
    """
    if importlib.util.find_spec("backend") is None:
        typer.echo(
            "council: error: the backend is not installed: pip install 'council[backend]'", err=True
        )
        raise typer.Exit(USAGE)
    server = subprocess.Popen([sys.executable, "-m", "backend", *context.args])
    try:
        code = server.wait()
    except KeyboardInterrupt:
        # The terminal sent Ctrl-C to the server too: it is on its way out.
        server.wait()
        code = INTERRUPTED
    raise typer.Exit(code)
