"""`council run`: ask a panel one question."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Annotated

import typer

from council.cli.exit_codes import USAGE
from council.errors import ConfigError

# Written out, since `council --help` must not load what strategies need; a test compares.
STRATEGY_NAMES = "concat, first, synthesize, vote"


def run_command(
    config: Annotated[Path, typer.Argument(help="A panel file.", metavar="CONFIG")],
    question: Annotated[
        str | None,
        typer.Argument(help="The question; - reads it from standard input.", metavar="QUESTION"),
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(help=f"Decide by this strategy instead: {STRATEGY_NAMES}."),
    ] = None,
    deadline: Annotated[
        str | None, typer.Option(help="End the run after this time: 30, 30s, 2m.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    as_events: Annotated[
        bool, typer.Option("--events", help="Print every event as a line of JSON as it happens.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show no progress and no summary.")
    ] = False,
) -> None:
    """Ask a panel. The answer goes to standard output, all else to standard error.

    \b
    Examples:
      council run configs/panel.yaml "What is 17 + 25?"
      council run configs/panel.yaml --json "Capital of Japan?" | python -m json.tool
      git diff | council run panel.yaml "Review this change."
      council run panel.yaml - < question.txt

    \b
    Exit codes: 0 answered (a degraded answer says so), 1 failure, 2 usage or configuration,
    3 quorum lost, 4 limit hit, 130 interrupted.
    """
    # Imported when a run begins: help and usage errors need neither network nor panel code.
    import anyio

    from council.cli.run_session import RunOptions, RunSession

    try:
        options = RunOptions(
            config=config,
            question=_question(question),
            strategy=strategy,
            deadline=_seconds(deadline),
            as_json=as_json,
            as_events=as_events,
            quiet=quiet,
        )
        code = anyio.run(RunSession(options).run)
    except ConfigError as error:
        typer.echo(f"council: error: {error}", err=True)
        raise typer.Exit(USAGE) from None
    raise typer.Exit(code)


def _question(argument: str | None) -> str:
    """The question from the command line and standard input together."""
    if argument == "-":
        return _read_stdin()
    piped = _read_stdin() if _stdin_is_piped() else ""
    question = "\n\n".join(part for part in (argument, piped) if part)
    if not question:
        raise ConfigError('no question: council run CONFIG "question", or - for standard input')
    return question


def _read_stdin() -> str:
    if sys.stdin is None:  # closed before the program began
        return ""
    return sys.stdin.buffer.read().decode("utf-8", "replace").strip()


def _stdin_is_piped() -> bool:
    # Not merely "no terminal": under cron or a test runner it may be a device that never ends.
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    from pydantic import TypeAdapter, ValidationError

    from council.config.schema import Seconds

    try:
        value: float = TypeAdapter(Seconds).validate_python(text.strip())
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigError(f"--deadline: {message}, got {text!r}") from None
    return value
