"""`council run`: ask a panel one question."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import nullcontext
from functools import partial
from typing import Annotated

import typer

from council.cli.completing import STRATEGY_NAMES as STRATEGY_NAMES
from council.cli.run_options import (
    ContinueOption,
    CostOption,
    DeadlineOption,
    EventsOption,
    JsonOption,
    PanelArgument,
    QuietOption,
    SchemaOption,
    StrategyOption,
    TotalTokensOption,
)
from council.cli.store_options import NoStoreOption, StoreOption, errors_told, open_store
from council.errors import ConfigError


def run_command(
    config: PanelArgument,
    question: Annotated[
        str | None,
        typer.Argument(help="The question; - reads it from standard input.", metavar="QUESTION"),
    ] = None,
    strategy: StrategyOption = None,
    deadline: DeadlineOption = None,
    max_total_tokens: TotalTokensOption = None,
    max_cost: CostOption = None,
    schema: SchemaOption = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Draws the strategy's lots: orders, labels, random ties.")
    ] = 0,
    after: ContinueOption = None,
    as_json: JsonOption = False,
    as_events: EventsOption = False,
    quiet: QuietOption = False,
    store: StoreOption = None,
    no_store: NoStoreOption = False,
) -> None:
    """Ask a panel. The answer goes to standard output, all else to standard error.

    \b
    Examples:
      council run @builtin "What is 17 + 25?"
      council run debate --json "Capital of Japan?" | python -m json.tool
      git diff | council run panel.yaml "Review this change."
      council run panel.yaml - < question.txt
      council run panel.yaml --continue last "And of Italy?"

    \b
    Exit codes: 0 answered (a degraded answer says so), 1 failure, 2 usage or configuration,
    3 quorum lost, 4 limit hit, 130 interrupted, 141 nobody reads the events any more.
    """
    # Imported when a run begins: help and usage errors need neither network nor panel code.
    import anyio

    from council.cli.asked import Asked, ask_panel
    from council.cli.run_session import RunSession, Shown

    with errors_told():
        shown = Shown(as_json=as_json, as_events=as_events, quiet=quiet)
        limits = seconds(deadline), max_total_tokens, max_cost
        asked = Asked(
            config,
            whole_question(question),
            strategy,
            *limits,
            seed,
            schema,
            after,
            keep=not no_store,
        )
        # What is gone on with is read even where nothing is to be kept.
        with nullcontext() if no_store and after is None else open_store(store) as opened:
            kept = None if no_store else opened
            session = RunSession(shown, partial(ask_panel, asked, opened), store=kept)
            code = anyio.run(session.run)
    raise typer.Exit(code)


def whole_question(argument: str | None) -> str:
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


def seconds(text: str | None) -> float | None:
    """A duration on the command line in seconds; raises ConfigError where it is none."""
    if text is None:
        return None
    from pydantic import TypeAdapter, ValidationError

    from council.config.fields import Seconds
    from council.config.wording import complaint

    try:
        value: float = TypeAdapter(Seconds).validate_python(text.strip())
    except ValidationError as error:
        raise ConfigError(f"--deadline: {complaint(error.errors())}") from None
    return value
