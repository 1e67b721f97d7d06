"""docs/reference/cli.md: what each command says when asked for help."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import typer
import typer.main

from council.cli import exit_codes
from council.cli.main import app

_WIDTH = 96
_INTRO = """# Commands

`council COMMAND --help` says the same. Answers go to standard output, all else to standard error.
"""


def page() -> str:
    """The page."""
    group: Any = typer.main.get_command(app)
    return "\n\n".join([_INTRO.strip(), _codes(), *_sections(group, "council", None)])


def _codes() -> str:
    named = vars(exit_codes).items()
    said = (f"{value} `{name}`" for name, value in named if name.isupper() and name[0] != "_")
    return f"Exit codes: {', '.join(said)}."


def _sections(command: Any, path: str, parent: Any) -> Iterator[str]:
    """A command and those below it; hidden ones are for the machine."""
    if command.hidden:
        return
    context = command.context_class(
        command, parent=parent, info_name=path.split()[-1], terminal_width=_WIDTH
    )
    yield f"## {path}\n\n```text\n{_help(command, path, context)}\n```"
    for name in getattr(command, "commands", {}):
        yield from _sections(command.commands[name], f"{path} {name}", context)


def _help(command: Any, path: str, context: Any) -> str:
    text: str = command.get_help(context) if command.add_help_option else _printed(path)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _printed(path: str) -> str:
    """The help of a command that hands its options on."""
    call = [sys.executable, "-m", "council", *path.split()[1:], "--help"]
    environment = {**os.environ, "COLUMNS": str(_WIDTH), "NO_COLOR": "1"}
    done = subprocess.run(call, capture_output=True, text=True, env=environment, check=True)
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
