"""`council mcp`: panels as tools of other programs."""

from __future__ import annotations

import importlib.util
import os
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from council.cli.exit_codes import OK
from council.cli.store_options import NoStoreOption, StoreOption, errors_told, open_store
from council.cli.terminal import say
from council.errors import ConfigError

if TYPE_CHECKING:
    from council.mcp.session import Address
    from council.store.store import Store

PORT = 8001
_HTTP_ONLY = "an option of --http, which is not given"


PanelsArgument = Annotated[
    list[str],
    typer.Argument(
        help="Panel files, or panels' names; NAME=CONFIG has clients call it NAME.",
        metavar="CONFIG...",
    ),
]
HttpOption = Annotated[
    bool, typer.Option("--http", help="Serve over HTTP instead of standard input and output.")
]
HostOption = Annotated[
    str | None, typer.Option(help="With --http: address to listen on (default: 127.0.0.1).")
]
PortOption = Annotated[
    int | None,
    typer.Option(
        min=0, max=65535, help=f"With --http: port, 0 for any free one (default: {PORT})."
    ),
]
KeyOption = Annotated[
    list[str] | None,
    typer.Option(
        help="With --http: a key that clients have to send; may be repeated. COUNCIL_API_KEYS has"
        " keys too, with commas between them.",
        metavar="[NAME:]KEY",
    ),
]
KeysFileOption = Annotated[
    Path | None,
    typer.Option(help="With --http: a file of keys, NAME: KEY a line.", metavar="FILE"),
]
AllowHostOption = Annotated[
    list[str] | None,
    typer.Option(
        help="With --http: a name of this machine besides localhost; may be repeated.",
        metavar="NAME",
    ),
]


def mcp_command(
    config: PanelsArgument,
    http: HttpOption = False,
    host: HostOption = None,
    port: PortOption = None,
    api_key: KeyOption = None,
    api_keys_file: KeysFileOption = None,
    allow_host: AllowHostOption = None,
    store: StoreOption = None,
    no_store: NoStoreOption = False,
) -> None:
    """Serve panels as tools of the Model Context Protocol: ask_panel, explain_run, list_panels.

    A program that speaks the protocol starts this command by itself; docs/mcp.md has the lines for
    its configuration.

    \b
    Examples:
      council mcp configs/panel.yaml
      council mcp configs/panel.yaml careful=configs/debate.yaml
      council mcp @builtin --http --port 8001
    """
    with errors_told():
        _require_sdk()
        given: dict[str, object] = {"--host": host, "--port": port, "--api-key": api_key}
        given |= {"--api-keys-file": api_keys_file, "--allow-host": allow_host}
        wanted = [name for name, value in given.items() if value is not None]
        if wanted and not http:
            raise ConfigError(f"{wanted[0]}: {_HTTP_ONLY}")
        from council.mcp.session import Address

        keys, names = tuple(api_key or ()), tuple(allow_host or ())
        number = PORT if port is None else port
        address = Address(host or "127.0.0.1", number, keys, api_keys_file, names)
        with nullcontext() if no_store else open_store(store) as opened:
            if http:
                _over_http(config, opened, address)
            code = None if http else _over_stdio(config, opened)
    _end(code)


def _require_sdk() -> None:
    if importlib.util.find_spec("mcp") is None:
        raise ConfigError("council mcp needs mcp: pip install '.[mcp]' in council's folder")


def _over_stdio(panels: list[str], store: Store | None) -> int | None:
    import anyio

    from council.cli.interrupts import run_until_signal
    from council.mcp.session import over_stdio, specs_of

    specs = specs_of(panels)
    if sys.stdin is not None and sys.stdin.isatty():
        say(
            "council-mcp: waiting for a client on standard input, which is a terminal: programs"
            " start this command by themselves (Ctrl-C ends it; --http serves over HTTP)"
        )
    return anyio.run(run_until_signal, partial(over_stdio, specs, store))


def _over_http(panels: list[str], store: Store | None, address: Address) -> None:
    import anyio

    from council.cli.interrupts import run_until_signal
    from council.mcp.http import endpoint
    from council.mcp.session import opened_door, over_http, specs_of

    specs = specs_of(panels)
    listener, door = opened_door(address)

    async def serve() -> None:
        url = endpoint(listener)
        say(f"council-mcp: listening on {url} (panels: {', '.join(s.name for s in specs)})")
        if not door.keys and not door.local:
            say(
                f"council-mcp: warning: anybody who reaches {url} may use it, and pay with your"
                " keys: give --api-key or --api-keys-file, or listen on 127.0.0.1"
            )
        await over_http(specs, store, listener, door)

    with listener:
        anyio.run(run_until_signal, serve)


def _end(code: int | None) -> None:
    """Ends the process; after a signal at once, since somebody still reads standard input."""
    if code is None:
        raise typer.Exit(OK)
    sys.stderr.flush()
    os._exit(code)
