"""`council serve`: panels over HTTP, each as if it were a model."""

from __future__ import annotations

import importlib.util

import typer

from council.cli.exit_codes import FAILED, OK, USAGE
from council.cli.store_options import errors_told
from council.cli.terminal import complain, say


def serve_command(context: typer.Context) -> None:
    """Serve panels over HTTP, each as if it were a model; with a page for people.

    Example: council serve configs/panel.yaml --port 8000

    council serve --help tells all options.
    """
    raise typer.Exit(_serve(context.args))


def _serve(arguments: list[str]) -> int:
    # Imported when it serves: help of other commands needs none of it.
    from council.gateway.arguments import parse
    from serving.errors import ListenError, OptionError
    from serving.keys import new_secret

    if arguments[:1] == ["keys"]:
        if arguments[1:] == ["new"]:
            typer.echo(new_secret())
            return OK
        said = " ".join(("council serve", *arguments))
        say(
            f"council: error: {said}: council serve keys new prints a random key (NAME=keys serves"
            " a panel called keys)"
        )
        return USAGE
    try:
        given = parse(arguments)
        missing = [name for name in ("quart", "hypercorn", "prometheus_client") if not _has(name)]
        if missing:
            say(
                f"council: error: council serve needs {', '.join(missing)}: pip install '.[serve]'"
                " in council's folder"
            )
            return USAGE
        from council.gateway.server import run

        with errors_told():
            run(given)
    except OptionError as error:
        complain(error)
        return USAGE
    except ListenError as error:
        complain(error)
        return FAILED
    return OK


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
