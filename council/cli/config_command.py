"""`council config`: check panel files, and print their JSON schema for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from council.cli.exit_codes import USAGE
from council.cli.terminal import complain, say
from council.errors import ConfigError

config_app = typer.Typer(help="Check panel files; print their JSON schema.", no_args_is_help=True)


@config_app.command("check")
def check(
    panels: Annotated[list[Path], typer.Argument(help="Panel files.", metavar="CONFIG...")],
) -> None:
    """Check panel files without asking anybody: keys, models, endpoints, strategy.

    Example: council config check configs/*.yaml
    """
    import anyio

    from council.assemble import check_panel

    failed = False
    for panel in panels:
        try:
            config, lacking, prices = anyio.run(check_panel, panel)
        except ConfigError as error:
            failed = True
            complain(error)
        else:
            experts = ", ".join(str(expert.id) for expert in config.experts)
            typer.echo(f"{panel}: ok ({experts})")
            for line in prices:
                typer.echo(f"  {line}")
            for line in lacking:
                say(f"council: warning: {line}")
    if failed:
        raise typer.Exit(USAGE)


@config_app.command("schema")
def schema() -> None:
    """Print the JSON schema of panel files.

    Example: council config schema > panel.schema.json
    """
    from council.config import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))
