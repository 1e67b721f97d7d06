"""The `council` command."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from council.cli.backend_command import backend_command
from council.cli.chat_command import chat_command
from council.cli.completion_command import completion_command
from council.cli.config_command import config_app
from council.cli.doctor_command import doctor_command
from council.cli.eval_command import eval_command
from council.cli.exit_codes import FAILED, INTERRUPTED
from council.cli.init_command import init_command
from council.cli.keys_command import keys_app
from council.cli.logs_command import logs_app
from council.cli.mcp_command import mcp_command
from council.cli.models_command import models_command
from council.cli.pull_command import pull_command
from council.cli.quick_exit import exit_on_interrupt
from council.cli.redecide_command import redecide_command
from council.cli.replay_command import replay_command
from council.cli.resume_command import resume_command
from council.cli.run_command import run_command
from council.cli.serve_command import serve_command
from council.cli.terminal import say

_COMPLETING = "_COUNCIL_COMPLETE"  # what a shell sets, see `council completion`

HELP = """A panel of language models that answers as one.

Try it without a key and without a network:

    council run @builtin "What is 17 + 25?"
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    # A traceback for a defect, without the values of variables: they may be keys.
    pretty_exceptions_enable=False,
)
app.command("init")(init_command)
app.command("run")(run_command)
app.command("chat")(chat_command)
app.command("replay")(replay_command)
app.command("resume")(resume_command)
app.command("redecide")(redecide_command)
app.command("doctor")(doctor_command)
app.command("models")(models_command)
app.command("pull")(pull_command)
app.command("eval")(eval_command)
app.command("mcp")(mcp_command)
app.command(
    "backend",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)(backend_command)
app.command(
    "serve",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)(serve_command)
app.add_typer(logs_app, name="logs")
app.add_typer(config_app, name="config")
app.add_typer(keys_app, name="keys")
app.command("completion")(completion_command)


def _show_version(wanted: bool) -> None:
    if wanted:
        # Imported here: it takes a quarter of the time of `council --help`.
        from importlib import metadata

        typer.echo(f"council {metadata.version('council')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            metavar="",
            show_default=False,
            help="Log what happens to standard error; twice: each request, too.",
        ),
    ] = 0,
) -> None:
    del version
    if verbose:
        from council.cli.verbosity import log_to_stderr

        log_to_stderr(verbose)


def _get_ready_to_complete() -> None:
    # typer knows its shells only once it has added options of its own, which council does without.
    from typer.completion import completion_init  # type: ignore[attr-defined]

    completion_init()


def main() -> None:
    """The entry point; Ctrl-C anywhere ends with exit code 130 and no traceback."""
    if _COMPLETING in os.environ:
        _get_ready_to_complete()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:
        # A full disk behind standard output, and the like.
        say(f"council: error: {error.strerror or error}")
        sys.exit(FAILED)
    finally:
        # What is left is the interpreter's own end, which an interrupt would fill with tracebacks.
        exit_on_interrupt()
