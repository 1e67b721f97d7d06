"""`council models`: what can be asked on this machine, or at the endpoints of a panel."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from council.cli.completing import complete_panel
from council.cli.store_options import errors_told
from council.cli.terminal import harmless, say

if TYPE_CHECKING:
    from council.config.model_folder import ModelFile
    from council.servers import Endpoint, Found


def models_command(
    config: Annotated[
        Path | None,
        typer.Argument(
            help="A panel file or the name of a panel: what its endpoints list.",
            metavar="[CONFIG]",
            autocompletion=complete_panel,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
    patience: Annotated[
        float, typer.Option(help="Seconds that servers on this machine have.", min=0.1)
    ] = 2.0,
) -> None:
    """List models: built in, files, and what servers on this machine say; or those of a panel.

    Looked for are Ollama (11434), LM Studio (1234), llama-server (8080) and council serve (8000);
    OLLAMA_URL, LMSTUDIO_URL, LLAMA_SERVER_URL and COUNCIL_GATEWAY_URL say where else they are.
    Of a panel, models that its experts use have a star.

    \b
    Examples:
      council models
      council models panel.yaml --json
    """
    # Imported when the looking begins, as for `council run`.
    import anyio

    from council.servers import USUAL, lists_of, look_around

    async def look() -> list[Found]:
        return await look_around(USUAL, patience=patience)

    with errors_told():
        if config is not None:
            endpoints = anyio.run(lists_of, config)
            _print_endpoints(endpoints) if as_json else _tell_endpoints(endpoints)
            return
        found = anyio.run(look)
    _tell_machine(found, as_json=as_json)


def _tell_machine(found: list[Found], *, as_json: bool) -> None:
    from council.config.model_files import BUILTIN, builtin_names
    from council.config.model_folder import model_files, model_folder

    builtin = [BUILTIN + name for name in builtin_names() or []]
    files = model_files(model_folder())
    if as_json:
        servers = [
            {"name": one.server.name, "url": one.server.url, **asdict(one.listed)} for one in found
        ]
        sized = [{"path": str(file.path), "size": file.size} for file in files]
        typer.echo(json.dumps({"builtin": builtin, "files": sized, "servers": servers}, indent=2))
        return
    _tell("built in", builtin)
    _tell_files(files, model_folder())
    for one in found:
        if one.listed.answered:
            title = f"{one.server.title}  {one.server.url}"
            _tell(title, one.listed.names, one.listed.problem)
    if off := [
        f"{one.server.title} ({one.server.url})" for one in found if not one.listed.answered
    ]:
        say(f"not there: {', '.join(off)}")


def _tell_files(files: list[ModelFile], folder: Path) -> None:
    from council.config.model_folder import in_words

    if files:
        _tell(f"files  {folder}", [f"{file.path}  {in_words(file.size)}" for file in files])
    else:
        say(f"no model files in {folder}: council pull REPO")


def _tell_endpoints(endpoints: list[Endpoint]) -> None:
    for endpoint in endpoints:
        users = {model: ", ".join(ids) for model, ids in endpoint.used.items()}
        names = [
            f"{name}  * {users[name]}" if name in users else name for name in endpoint.listed.names
        ]
        missing = [] if endpoint.listed.problem else _unlisted(endpoint)
        _tell(endpoint.url, names, endpoint.listed.problem)
        for line in missing:
            say(f"council: warning: {line}")
    if not endpoints:
        say("all models of this panel are served here: council doctor examines them")


def _unlisted(endpoint: Endpoint) -> list[str]:
    from council.findings import unlisted

    noted = {model: unlisted(model, endpoint.listed.names) for model in endpoint.used}
    return [
        f"{', '.join(endpoint.used[model])}: {model} is {note}"
        for model, note in noted.items()
        if note
    ]


def _tell(title: str, lines: Iterable[str], problem: str = "") -> None:
    typer.echo(title)
    for line in lines:
        typer.echo(f"  {harmless(line)}")
    if problem:
        typer.echo(f"  ({harmless(problem)})")


def _print_endpoints(endpoints: list[Endpoint]) -> None:
    said = [{"url": one.url, "used": one.used, **asdict(one.listed)} for one in endpoints]
    typer.echo(json.dumps(said, indent=2))
