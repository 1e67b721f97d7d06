"""`council completion`: what a shell needs to complete commands, options, panels and runs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Shell(StrEnum):
    """The shells that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion_command(
    shell: Annotated[Shell, typer.Argument(help="bash, zsh or fish.", metavar="SHELL")],
) -> None:
    """Print the script that lets a shell complete what is typed after council.

    Commands, options, the names of panels and strategies, kept runs and keys are completed.

    \b
    Examples:
      council completion bash >> ~/.bashrc
      council completion zsh > ~/.zfunc/_council   (with ~/.zfunc in fpath before compinit)
      council completion fish > ~/.config/fish/completions/council.fish
    """
    # Imported when it is asked for: no other command needs it.
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    script = get_completion_script(
        prog_name="council", complete_var="_COUNCIL_COMPLETE", shell=shell.value
    )
    typer.echo(script.strip())
