"""`council run`: ask a panel one question."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import anyio
import anyio.abc
import typer
from pydantic import TypeAdapter, ValidationError

from council.cli.exit_codes import OK, USAGE, of_error
from council.cli.summary import partial_lines, summary_lines
from council.cli.view import View, make_view
from council.config.schema import Seconds
from council.council import open_council
from council.errors import ConfigError
from council.events import Event, to_json
from council.result import Result
from council.run import Run
from council.strategies import STRATEGIES
from council.tasks import task_group


@dataclass(frozen=True, slots=True)
class _Options:
    config: Path
    question: str
    strategy: str | None
    deadline: float | None
    as_json: bool
    as_events: bool
    quiet: bool


def run_command(
    config: Annotated[Path, typer.Argument(help="A panel file.", metavar="CONFIG")],
    question: Annotated[
        str | None,
        typer.Argument(help="The question; - reads it from standard input.", metavar="QUESTION"),
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(help=f"Decide by this strategy instead: {', '.join(STRATEGIES)}."),
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
    try:
        options = _Options(
            config=config,
            question=_question(question),
            strategy=strategy,
            deadline=_seconds(deadline),
            as_json=as_json,
            as_events=as_events,
            quiet=quiet,
        )
        code = anyio.run(_Session(options).run)
    except ConfigError as error:
        typer.echo(f"council: error: {error}", err=True)
        raise typer.Exit(USAGE) from None
    raise typer.Exit(code)


class _Session:
    """One command's run: shows events, prints what came of it, and minds the signals."""

    def __init__(self, options: _Options) -> None:
        self._options = options
        self._exit_code = OK
        self._run: Run | None = None
        self._view: View = make_view(quiet=options.quiet or options.as_events)

    async def run(self) -> int:
        async with task_group() as group:
            with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                group.start_soon(self._stop_on_signal, signals, group.cancel_scope)
                await self._ask()
                group.cancel_scope.cancel()
        return self._exit_code

    async def _ask(self) -> None:
        options = self._options
        async with open_council(options.config) as council:
            stream = council.stream(
                options.question, strategy=options.strategy, deadline=options.deadline
            )
            async with stream as run:
                self._run = run
                with self._view:
                    async for event in run:
                        self._show(event)
            self._run = None
            self._finish(run.result)

    def _show(self, event: Event) -> None:
        if self._options.as_events:
            _print(to_json(event))
        self._view.show(event)

    def _finish(self, result: Result) -> None:
        """Prints the result and settles the exit code."""
        if self._options.as_json:
            _print(result.to_json(indent=2))
        elif result.answer is not None and not self._options.as_events:
            _print(result.answer)
        if result.error is not None:
            self._exit_code = of_error(result.error.kind)
        # A degraded answer or a failure is said even to those who want it quiet.
        for line in summary_lines(result, brief=self._options.quiet):
            typer.echo(line, err=True)

    async def _stop_on_signal(
        self, signals: AsyncIterator[signal.Signals], scope: anyio.CancelScope
    ) -> None:
        async for number in signals:
            if scope.cancel_called:
                # Asked twice: the bundled backend ends by itself when this process is gone.
                os._exit(128 + number)
            self._exit_code = 128 + number
            self._print_partial()
            scope.cancel()

    def _print_partial(self) -> None:
        self._view.close()
        if self._run is None:
            return
        result = self._run.snapshot()
        if self._options.as_json:
            _print(result.to_json(indent=2))
        else:
            for line in partial_lines(result):
                typer.echo(line, err=True)


def _question(argument: str | None) -> str:
    """The question from the command line and standard input together."""
    if argument == "-":
        return sys.stdin.read().strip()
    piped = sys.stdin.read().strip() if _stdin_is_piped() else ""
    question = "\n\n".join(part for part in (argument, piped) if part)
    if not question:
        raise ConfigError('no question: council run CONFIG "question", or - for standard input')
    return question


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
    try:
        value: float = TypeAdapter(Seconds).validate_python(text.strip())
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigError(f"--deadline: {message}, got {text!r}") from None
    return value


def _print(text: str) -> None:
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # `council run … | head -1`: whoever reads has enough. Nothing more can be written, not
        # even by the interpreter's own flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
