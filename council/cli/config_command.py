"""`council config`: check panel files, and print their JSON schema for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from council.cli.exit_codes import USAGE
from council.errors import ConfigError

config_app = typer.Typer(help="Check panel files; print their JSON schema.", no_args_is_help=True)


@config_app.command("check")
def check(
    panels: Annotated[list[Path], typer.Argument(help="Panel files.", metavar="CONFIG...")],
) -> None:
    """Check panel files without asking anybody.

    Example: council config check configs/*.yaml
    """
    import anyio

    failed = False
    for panel in panels:
        try:
            experts = anyio.run(_experts, panel)
        except ConfigError as error:
            failed = True
            typer.echo(f"council: error: {error}", err=True)
        else:
            typer.echo(f"{panel}: ok ({', '.join(experts)})")
    if failed:
        raise typer.Exit(USAGE)


@config_app.command("schema")
def schema() -> None:
    """Print the JSON schema of panel files.

    Example: council config schema > panel.schema.json
    """
    from council.config import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


async def _experts(panel: Path) -> list[str]:
    from council.council import open_council

    async with open_council(panel) as opened:
        return [expert.id for expert in opened.experts]
