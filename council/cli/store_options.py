"""The options that say where runs are kept, and the store behind them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from council.cli.exit_codes import of_exception
from council.cli.terminal import complain, say
from council.errors import CouncilError

if TYPE_CHECKING:
    from council.store.store import Store

StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        help="The file runs are kept in, or a folder, where it is runs.sqlite3 (default:"
        " COUNCIL_STORE, or one in your data directory).",
        metavar="PATH",
    ),
]
NoStoreOption = Annotated[bool, typer.Option("--no-store", help="Keep nothing of this run.")]


@contextmanager
def open_store(path: Path | None) -> Iterator[Store]:
    """The store of a command; closed, and so written, at the end of the block."""
    from council.store.store import Store

    with Store(path, on_warning=lambda text: say(f"council: warning: {text}")) as store:
        yield store


def where(store: Store) -> str:
    """The option that leads another command to the same store; empty where none is needed."""
    from council.store.database import default_path

    return "" if store.path == default_path() else f" --store {shlex.quote(str(store.path))}"


@contextmanager
def errors_told() -> Iterator[None]:
    """Ends the command with a line on standard error where council says what is wrong."""
    try:
        yield
    except CouncilError as error:
        complain(error)
        raise typer.Exit(of_exception(error)) from None
