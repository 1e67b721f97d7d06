"""`council resume`: go on with a run that broke off or failed."""

from __future__ import annotations

import typer

from council.cli.run_options import (
    AnywayOption,
    DeadlineOption,
    EventsOption,
    JsonOption,
    PanelOption,
    QuietOption,
    RunArgument,
    SchemaOption,
)
from council.cli.store_options import NoStoreOption, StoreOption, errors_told, open_store


def resume_command(
    run: RunArgument,
    panel: PanelOption = None,
    anyway: AnywayOption = False,
    deadline: DeadlineOption = None,
    schema: SchemaOption = None,
    as_json: JsonOption = False,
    as_events: EventsOption = False,
    quiet: QuietOption = False,
    store: StoreOption = None,
    no_store: NoStoreOption = False,
) -> None:
    """Ask the same again, except what was answered in whole: that comes from the record.

    The new run has an id of its own and names the old one as its parent.

    \b
    Examples:
      council resume last
      council resume 3f9a --anyway --json

    Exit codes are those of `council run`.
    """
    import anyio

    from council.cli.run_command import seconds
    from council.cli.run_session import RunSession, Shown
    from council.config.schema_file import read_schema
    from council.rerun import resumed

    with errors_told(), open_store(store) as opened:
        shown = Shown(as_json=as_json, as_events=as_events, quiet=quiet)
        limit, form = seconds(deadline), read_schema(schema) if schema else None

        session = RunSession(
            shown,
            lambda: resumed(
                opened,
                run,
                panel=panel,
                deadline=limit,
                response_format=form,
                anyway=anyway,
                keep=not no_store,
            ),
            store=None if no_store else opened,
        )
        raise typer.Exit(anyio.run(session.run))
