"""One process that serves the protocol: panels opened, a way chosen, all of it closed again."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncGenerator, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from council.errors import ConfigError
from council.gateway.arguments import KEYS
from council.gateway.panels import PanelSpec, open_panels
from council.mcp.http import Door, serve_http
from council.mcp.recall import Recall
from council.mcp.server import build_server
from council.mcp.stdio import serve_stdio
from council.mcp.tools import PanelTools
from serving.errors import ListenError, OptionError
from serving.keys import collect_keys
from serving.listener import bind, is_local
from serving.options import Options

if TYPE_CHECKING:  # SQLite is loaded where runs are kept
    from council.store.store import Store


@dataclass(frozen=True, slots=True)
class Address:
    """Where the protocol is served over HTTP, and to whom.

    Attributes:
        host: The address to listen on.
        port: 0 for any free one.
        api_keys: `KEY` or `NAME:KEY` each.
        keys_file: A file of further ones.
        hosts: Names of this machine besides loopback's.
    """

    host: str = "127.0.0.1"
    port: int = 0
    api_keys: tuple[str, ...] = ()
    keys_file: Path | None = None
    hosts: tuple[str, ...] = ()


def specs_of(panels: Sequence[str]) -> list[PanelSpec]:
    """The panel files behind `CONFIG` or `NAME=CONFIG`; raises ConfigError where there is none."""
    return [PanelSpec.parse(text) for text in panels]


def opened_door(
    address: Address, environment: MutableMapping[str, str] = os.environ
) -> tuple[socket.socket, Door]:
    """A socket that listens, and who is let in there.

    Raises:
        ConfigError: The address cannot be had, or a key cannot be used.
    """
    try:
        keys = collect_keys(address.api_keys, environment, KEYS)
        known = Options(keys, address.keys_file).load_keys()
        listener = bind(address.host, address.port)
    except (OptionError, ListenError) as error:
        raise ConfigError(str(error)) from error
    hosts = frozenset(name.strip().lower() for name in address.hosts)
    return listener, Door(known, is_local(listener), hosts)


async def over_stdio(specs: Sequence[PanelSpec], store: Store | None) -> None:
    """Serves one client until standard input ends; raises ConfigError as `open_panels` does."""
    async with _opened(specs, store) as tools:
        await serve_stdio(build_server(tools))


async def over_http(
    specs: Sequence[PanelSpec], store: Store | None, listener: socket.socket, door: Door
) -> None:
    """Serves any number of clients until it is cancelled; errors as for `over_stdio`."""
    async with _opened(specs, store) as tools:
        await serve_http(build_server(tools), listener, door, tools.stop)


@asynccontextmanager
async def _opened(
    specs: Sequence[PanelSpec], store: Store | None
) -> AsyncGenerator[PanelTools, None]:
    async with open_panels(specs, store) as panels:
        panel_of = {str(spec.path.absolute()): spec.name for spec in specs}
        yield PanelTools(panels, Recall(store, panel_of))
