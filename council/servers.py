"""Servers that people run on their own machine, and the models that endpoints list."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from council.agents.models_list import Listed, ask_for_list
from council.agents.shared import Shared
from council.config import ExpertConfig, PanelConfig, SynthesizerConfig
from council.config.load import load_config
from council.config.schema import WRITER_ID, TimeoutsConfig
from council.errors import ConfigError
from council.findings import shown
from council.tasks import task_group

PATIENCE = 2.0
"""Seconds that a server on this machine has to list its models."""

_Entry = ExpertConfig | SynthesizerConfig

_PLAIN = re.compile(r"https?://[\w.\-:/~\[\]]+", re.ASCII)
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Usual:
    """A server as it is found where nobody has changed its port.

    Attributes:
        name: What it is called on the command line.
        title: Its name for people.
        variable: The environment variable that says where else it is.
        default: Its URL.
    """

    name: str
    title: str
    variable: str
    default: str

    @property
    def url(self) -> str:
        """Where it is."""
        return os.environ.get(self.variable) or self.default

    @property
    def endpoint(self) -> str:
        """The same as a panel file says it, which is used where the variable may not be set."""
        return variable_or(self.variable, self.default)


def variable_or(variable: str, default: str) -> str:
    """An endpoint as a panel file says it: a variable, or else the URL that is right now.

    Args:
        variable: The variable's name.
        default: The URL where it is not set.
    """
    here = os.environ.get(variable) or default
    # Passwords stay out of panel files, and what YAML or a variable would read otherwise too.
    return f"${{{variable}:-{here if _PLAIN.fullmatch(here) else default}}}"


USUAL = (
    Usual("ollama", "Ollama", "OLLAMA_URL", "http://localhost:11434/v1"),
    Usual("lmstudio", "LM Studio", "LMSTUDIO_URL", "http://localhost:1234/v1"),
    Usual("llama-server", "llama-server", "LLAMA_SERVER_URL", "http://localhost:8080/v1"),
    Usual("gateway", "council serve", "COUNCIL_GATEWAY_URL", "http://localhost:8000/v1"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A usual server and what it said."""

    server: Usual
    listed: Listed


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint of a panel and what it said.

    Attributes:
        url: Where it is, without credentials.
        used: The panel's models there, each with the ids of those who use it.
        listed: Its list.
    """

    url: str
    used: dict[str, list[str]]
    listed: Listed


async def look_around(
    servers: Sequence[Usual] = USUAL, *, patience: float = PATIENCE
) -> list[Found]:
    """Asks the usual servers on this machine for their models, all at once.

    Args:
        servers: Whom to ask.
        patience: Seconds each of them has.
    """
    entries = [_entry(server.url, patience) for server in servers]
    async with _shared() as shared:
        lists = await _lists(entries, shared)
    return [Found(*both) for both in zip(servers, lists, strict=True)]


async def lists_of(panel: str | Path) -> list[Endpoint]:
    """What the endpoints of a panel's experts and synthesizers list, each asked once.

    Raises:
        ConfigError: The panel cannot be used.
    """
    entries = _entries(load_config(panel)[0])
    async with _shared() as shared:
        lists = await _lists([entry for entry, _ in entries.values()], shared)
    return [
        Endpoint(str(shown(entry.endpoint[0] if entry.endpoint else "")), used, listed)
        for (entry, used), listed in zip(entries.values(), lists, strict=True)
    ]


def _entry(url: str, patience: float) -> SynthesizerConfig:
    """An entry for whatever model there may be."""
    limits = TimeoutsConfig(connect=patience, first_token=patience)
    # No proxy stands between a machine and itself.
    local = any(f"//{host}" in url for host in _LOOPBACK)
    return SynthesizerConfig(model="?", endpoint=[url], timeouts=limits, trust_env=not local)


def _entries(config: PanelConfig) -> dict[tuple[object, ...], tuple[_Entry, dict[str, list[str]]]]:
    """One entry for each endpoint with the same key, and who uses which of its models."""
    named: list[tuple[str, _Entry]] = [(str(expert.id), expert) for expert in config.experts]
    named += [(WRITER_ID, entry) for entry in config.synthesizer if not isinstance(entry, str)]
    found: dict[tuple[object, ...], tuple[_Entry, dict[str, list[str]]]] = {}
    for id, entry in named:
        for url in entry.endpoint or []:
            one = entry.model_copy(update={"endpoint": [url]})
            identity = entry.kind, url, entry.api_key, frozenset(entry.headers.items())
            found.setdefault(identity, (one, {}))[1].setdefault(entry.model, []).append(id)
    return found


async def _lists(entries: Sequence[_Entry], shared: Shared) -> list[Listed]:
    lists: dict[int, Listed] = {}

    async def ask(place: int, entry: _Entry) -> None:
        try:
            lists[place] = await ask_for_list(entry, shared)
        except ConfigError as error:  # no URL
            lists[place] = Listed([], str(error), answered=False)

    async with task_group() as group:
        for place, entry in enumerate(entries):
            group.start_soon(ask, place, entry)
    return [lists[place] for place in sorted(lists)]


@asynccontextmanager
async def _shared() -> AsyncGenerator[Shared, None]:
    shared = Shared()
    try:
        yield shared
    finally:
        with anyio.CancelScope(shield=True):
            await shared.aclose()
