"""`council redecide`: another strategy over the answers of a run."""

from __future__ import annotations

from typing import Annotated

import typer

from council.cli.completing import STRATEGY_NAMES, complete_strategy
from council.cli.run_options import (
    AnywayOption,
    EventsOption,
    JsonOption,
    PanelOption,
    QuietOption,
    RunArgument,
    options_of,
)
from council.cli.store_options import NoStoreOption, StoreOption, errors_told, open_store


def redecide_command(
    run: RunArgument,
    strategy: Annotated[
        str,
        typer.Option(
            help=f"Decide by this one: {STRATEGY_NAMES}.", autocompletion=complete_strategy
        ),
    ],
    option: Annotated[
        list[str] | None,
        typer.Option(help="An option of the strategy; may be given again.", metavar="KEY=VALUE"),
    ] = None,
    ask: Annotated[
        bool, typer.Option("--ask", help="Ask the panel what the record does not hold.")
    ] = False,
    panel: PanelOption = None,
    anyway: AnywayOption = False,
    as_json: JsonOption = False,
    as_events: EventsOption = False,
    quiet: QuietOption = False,
    store: StoreOption = None,
    no_store: NoStoreOption = False,
) -> None:
    """Decide anew from a run's answers; nobody is asked, and no panel file is needed.

    A strategy that wants to ask something else fails, unless --ask lets it.

    \b
    Examples:
      council redecide last --strategy vote
      council redecide last --strategy vote --option extract=text
      council redecide last --strategy synthesize --ask

    Exit codes are those of `council run`.
    """
    import anyio

    from council.cli.run_session import RunSession, Shown
    from council.rerun import redecided

    with errors_told(), open_store(store) as opened:
        shown = Shown(as_json=as_json, as_events=as_events, quiet=quiet)
        chosen = {**options_of(option or []), "name": strategy}
        session = RunSession(
            shown,
            lambda: redecided(
                opened, run, chosen, ask=ask, panel=panel, anyway=anyway, keep=not no_store
            ),
            store=None if no_store else opened,
        )
        raise typer.Exit(anyio.run(session.run))
