"""`council replay`: a run that is kept, shown once more."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from council.cli.run_options import EventsOption, JsonOption, QuietOption, RunArgument, speed_of
from council.cli.store_options import StoreOption, errors_told, open_store

if TYPE_CHECKING:
    from council.store.playback import Playback


def replay_command(
    run: RunArgument,
    speed: Annotated[
        str | None,
        typer.Option(
            help="1 as it was, 2 twice as fast, max at once (default: 1 to watch, else max)."
        ),
    ] = None,
    as_json: JsonOption = False,
    as_events: EventsOption = False,
    quiet: QuietOption = False,
    store: StoreOption = None,
) -> None:
    """Show a run again as `council run` showed it; nobody is asked.

    \b
    Examples:
      council replay last
      council replay last --events > events.jsonl

    Exit codes are those of `council run`.
    """
    import anyio

    from council.cli.run_session import RunSession, Shown
    from council.store.playback import Playback

    with errors_told(), open_store(store) as opened:
        found = opened.run(run)
        shown = Shown(as_json=as_json, as_events=as_events, quiet=quiet)
        playback = Playback(found, opened.lines(found.id), speed_of(speed, watched=shown.watched))

        @asynccontextmanager
        async def open_run() -> AsyncGenerator[Playback, None]:
            yield playback

        session = RunSession(shown, open_run, line_of=lambda event: playback.line)
        raise typer.Exit(anyio.run(session.run))
