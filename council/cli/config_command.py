"""`council config`: check panel files, list those that have names, print their JSON schema."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from council.cli.completing import complete_panel
from council.cli.exit_codes import USAGE
from council.cli.terminal import complain, harmless, say
from council.errors import ConfigError

if TYPE_CHECKING:
    from council.assemble import Checked

config_app = typer.Typer(
    help="Check and list panel files; print their JSON schema.", no_args_is_help=True
)


@config_app.command("check")
def check(
    panels: Annotated[
        list[str],
        typer.Argument(
            help="Panel files, names of panels, or folders with panel files in them.",
            metavar="CONFIG...",
            autocompletion=complete_panel,
        ),
    ],
) -> None:
    """Check panel files without asking anybody: keys, models, endpoints, strategy.

    Says where API keys come from: the environment, or a place of `council keys`.

    \b
    Examples:
      council config check panel.yaml debate
      council config check configs/
    """
    import anyio

    from council.assemble import check_panel

    failed = False
    for panel in panels:
        try:
            files = _files(panel)
        except ConfigError as error:
            failed = True
            complain(error)
            continue
        for file in files:
            try:
                _tell(file, anyio.run(check_panel, file))
            except ConfigError as error:
                failed = True
                complain(error)
    if failed:
        raise typer.Exit(USAGE)


@config_app.command("list")
def list_panels(
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line.")] = False,
) -> None:
    """List the panels that have names: those of this folder and configs/, your own, council's.

    Your own are in the folder that the last line names. Of two of one name the first is found, and
    says which it hides.

    Example: council config list
    """
    from council.config.places import config_folder, listed_panels
    from council.config.titles import title_of

    panels = list(listed_panels())
    hides = {panel.hidden_by: panel.path for panel in reversed(panels) if panel.hidden_by}
    width = max(len(panel.name) for panel in panels)
    for panel in panels:
        title = harmless(title_of(panel.path))
        if as_json:
            hidden = None if panel.hidden_by is None else str(panel.hidden_by)
            about = {"path": str(panel.path), "title": title, "hidden_by": hidden}
            typer.echo(json.dumps({"name": panel.name, **about}, ensure_ascii=False))
        elif panel.hidden_by is None:
            more = f"  (hides {hides[panel.path]})" if panel.path in hides else ""
            where = f"{panel.name:<{width}}  {panel.path}{more}"
            typer.echo(f"{where}\n{'':<{width}}  {title}".rstrip())
    if not as_json:
        say(f"panels of your own: {config_folder()}")


@config_app.command("schema")
def schema() -> None:
    """Print the JSON schema of panel files.

    Example: council config schema > panel.schema.json
    """
    from council.config import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


def _files(panel: str) -> list[Path]:
    """A panel, or in the place of a folder the panel files in it; ConfigError if it has none."""
    from council.config.places import named_panel, panels_in

    path, written_so = Path(panel), panel.endswith(os.sep)
    # A name comes before a folder that is called so, as everywhere, but no name ends so.
    if not written_so and named_panel(panel) is not None:
        return [path]
    if not path.is_dir():
        if written_so:
            raise ConfigError(f"{panel}: there is no such folder")
        return [path]
    inside = panels_in(path)
    if not inside:
        raise ConfigError(f"{panel}: no panel file (.yaml, .yml) is in this folder")
    return inside


def _tell(panel: Path, found: Checked) -> None:
    experts = ", ".join(str(expert.id) for expert in found.config.experts)
    typer.echo(f"{panel}: ok ({experts})")
    for line in (*found.prices, *(f"key: {line}" for line in found.keys)):
        typer.echo(f"  {line}")
    for line in found.lacking:
        say(f"council: warning: {line}")
