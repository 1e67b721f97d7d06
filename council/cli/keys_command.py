"""`council keys`: API keys kept for panels, never shown."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from council.cli.completing import complete_key
from council.cli.exit_codes import USAGE
from council.cli.store_options import errors_told
from council.cli.terminal import say
from council.errors import ConfigError

keys_app = typer.Typer(
    help="API keys that panels name as ${NAME}. NAME is like OPENAI_API_KEY.",
    no_args_is_help=True,
)

_Name = Annotated[
    str,
    typer.Argument(
        help="What panels write as ${NAME}.", metavar="NAME", autocompletion=complete_key
    ),
]


@keys_app.command("set")
def set_key(name: _Name) -> None:
    """Keep a key, asked for without showing it, or read from standard input.

    It goes into the keyring where there is one (pip install "council[keyring]"), else into a file
    that only you may read. A variable of the environment comes before it.

    \b
    Examples:
      council keys set OPENAI_API_KEY
      pass show openai | head -1 | council keys set OPENAI_API_KEY
    """
    from council.config import keys

    with errors_told():
        where = keys.set_key(name, _asked_for(name))
        held = "the keyring" if where == "keyring" else str(keys.key_file())
    say(f"kept {name} in {held}")


@keys_app.command("list")
def list_keys() -> None:
    """List the names of the keys that are kept, and where; never the keys.

    Example: council keys list
    """
    import os

    from council.config import keys

    with errors_told():
        kept = keys.kept_keys()
    for name, where in kept.items():
        held = "keyring" if where == "keyring" else str(keys.key_file())
        hidden = "  (the environment's comes before it)" if os.environ.get(name) else ""
        typer.echo(f"{name}  {held}{hidden}")
    if not kept:
        say("no key is kept: council keys set NAME")


@keys_app.command("remove")
def remove_key(name: _Name) -> None:
    """Forget a key.

    Example: council keys remove OPENAI_API_KEY
    """
    from council.config import keys

    with errors_told():
        keys.remove_key(name)
    say(f"removed {name}")


def _asked_for(name: str) -> str:
    """A key from a prompt that shows nothing, or the one line of standard input."""
    if sys.stdin is None:
        raise ConfigError("standard input is closed: there is nothing to read a key from")
    if not sys.stdin.isatty():
        return _only_line(sys.stdin.buffer.read().decode("utf-8", "replace"))
    import getpass

    try:
        return getpass.getpass(f"{name}: ")
    except EOFError:
        say("nothing was kept")
        raise typer.Exit(USAGE) from None


def _only_line(text: str) -> str:
    """The line that a text consists of; raises ConfigError where it has several."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1:
        raise ConfigError(
            f"standard input has {len(lines)} lines and a key has one: nothing was kept"
            " (head -1 gives the first line alone)"
        )
    return lines[0] if lines else ""
