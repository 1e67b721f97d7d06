"""`council logs`: the runs that are kept, listed, shown, searched, exported, deleted."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from council.cli.run_options import RunArgument
from council.cli.store_options import StoreOption, errors_told, open_store
from council.cli.terminal import answer, harmless, say

if TYPE_CHECKING:
    from council.store.records import RunRecord
    from council.store.store import Store

_WIDTH = 60

logs_app = typer.Typer(
    help="The runs that are kept. RUN is an id, the beginning of one, or last.",
    no_args_is_help=True,
)


class Format(StrEnum):
    """What an export looks like."""

    JSONL = "jsonl"
    MD = "md"
    HTML = "html"


@logs_app.command("list")
def list_runs(
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1)] = 20,
    conversation: Annotated[
        str | None,
        typer.Option(help="Its runs alone, by its id or the beginning of it.", metavar="ID"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line.")] = False,
    store: StoreOption = None,
) -> None:
    """List the newest runs: id, time, state, strategy, question, and the conversation if any.

    Example: council logs list --limit 5
    """
    from council.store.export import day_and_time, run_line

    with errors_told(), open_store(store) as opened:
        if conversation is None:
            runs = opened.runs(limit)
        else:
            runs = opened.conversation(conversation)[::-1][:limit]
    for run in runs:
        facts = f"{run.id[:8]}  {day_and_time(run.started)}  {run.state:<11}  {run.strategy:<10}"
        _print(run_line(run) if as_json else f"{facts}  {_short(run.question)}{_turn(run)}")
    if not runs:
        of = f" of a conversation {conversation!r}" if conversation is not None else ""
        say(f"no run{of} is kept in {opened.path}")


@logs_app.command("show")
def show(run: RunArgument, store: StoreOption = None) -> None:
    """Show one run: the question, the answer, and what each expert said.

    Example: council logs show last
    """
    from council.store.export import as_markdown

    with errors_told(), open_store(store) as opened:
        _print(as_markdown(opened, opened.run(run)).rstrip("\n"))


@logs_app.command("search")
def search(
    text: Annotated[str, typer.Argument(help="Words, all of which have to be there.")],
    limit: Annotated[int, typer.Option(help="How many places.", min=1)] = 20,
    store: StoreOption = None,
) -> None:
    """Search questions, answers and replies; exit code 1 where nothing is found.

    Example: council logs search "capital japan"
    """
    from council.store.export import day_and_time

    with errors_told(), open_store(store) as opened:
        hits = opened.search(text, limit)
    for hit in hits:
        _print(f"{hit.run[:8]}  {day_and_time(hit.started)}  {hit.who}: {harmless(hit.excerpt)}")
    if not hits:
        say("nothing found")
        raise typer.Exit(1)


@logs_app.command("export")
def export(
    run: Annotated[
        str | None, typer.Argument(help="A run's id, the beginning of it, or last.", metavar="RUN")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All runs, oldest first.")] = False,
    form: Annotated[
        Format, typer.Option("--format", help="Lines of JSON, Markdown, or a page of its own.")
    ] = Format.JSONL,
    store: StoreOption = None,
) -> None:
    """Print runs with all their requests, replies and events.

    \b
    Examples:
      council logs export last --format md > run.md
      council logs export last --format html > run.html
      council logs export --all > runs.jsonl
    """
    from council.store.export import as_lines, as_markdown

    if (run is None) == (not everything):
        raise typer.BadParameter("give a RUN, or --all")
    if everything and form is Format.HTML:
        raise typer.BadParameter("a page shows one run: give a RUN with --format html")
    with errors_told(), open_store(store) as opened:
        for found in reversed(opened.runs()) if run is None else [opened.run(run)]:
            if form is Format.MD:
                _print(as_markdown(opened, found))
            elif form is Format.HTML:
                _print(_as_html(opened, found))
            else:
                for line in as_lines(opened, found):
                    _print(line)


@logs_app.command("delete")
def delete(
    run: Annotated[
        str | None, typer.Argument(help="A run's id, the beginning of it, or last.", metavar="RUN")
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(help="Runs that began longer ago: 30d, 12h, 2w.", metavar="AGE")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Delete one run, or all that are older than an age; they cannot be brought back.

    Example: council logs delete --older-than 30d
    """
    from council.store.ages import seconds_of_age

    if (run is None) == (older_than is None):
        raise typer.BadParameter("give a RUN, or --older-than AGE")
    with errors_told(), open_store(store) as opened:
        if run is not None:
            say(f"deleted run {opened.delete(run).id}")
        elif older_than is not None:
            say(f"deleted {opened.delete_older(seconds_of_age(older_than))} runs")


@logs_app.command("path")
def path(store: StoreOption = None) -> None:
    """Print the file that runs are kept in.

    Example: council logs path
    """
    with open_store(store) as opened:
        _print(str(opened.path))


def _as_html(store: Store, run: RunRecord) -> str:
    """A run as one HTML file, as the gateway gives it out.

    Raises:
        StoreError: The run goes on, so that there is nothing to show yet.
    """
    from council.errors import StoreError
    from council.gateway.kept_run import KeptRun
    from council.gateway.run_facts import About
    from council.gateway.sheet import as_html

    kept = KeptRun(run, Path(run.source).stem, store.lines(run.id))
    if kept.result is None:
        raise StoreError(f"run {run.id} goes on: there is a page of it once it has ended")
    return as_html(kept.result, About(kept.panel, kept.created)).rstrip("\n")


def _turn(run: RunRecord) -> str:
    """Which turn of which conversation a run was."""
    return f"  (turn {run.place.turn} of {run.place.conversation[:8]})" if run.place else ""


def _short(text: str) -> str:
    flat = " ".join(harmless(text).split())
    return flat if len(flat) <= _WIDTH else f"{flat[: _WIDTH - 1]}…"


def _print(text: str) -> None:
    """A line on standard output; ends the command where it cannot be written."""
    if not answer(text):
        say("council: error: standard output cannot be written to")
        raise typer.Exit(1)
