"""The kinds of agents that a panel file can name. A new kind is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from council.agents.base import Agent
from council.agents.local import LocalAgent
from council.agents.local_server import BackendOptions, LocalServer
from council.agents.openai_http import OpenAIHTTPAgent
from council.agents.transport import new_client
from council.config import ExpertConfig, SynthesizerConfig
from council.errors import ConfigError


@dataclass(slots=True)
class Shared:
    """What the agents of one panel share, made when first needed and closed with the panel."""

    options: BackendOptions
    _client: httpx.AsyncClient | None = field(default=None, init=False)
    _server: LocalServer | None = field(default=None, init=False)

    @property
    def client(self) -> httpx.AsyncClient:
        """The HTTP client of all remote agents."""
        if self._client is None:
            self._client = new_client()
        return self._client

    @property
    def server(self) -> LocalServer:
        """The bundled backend that serves all local models."""
        if self._server is None:
            self._server = LocalServer(self.options)
        return self._server

    async def aclose(self) -> None:
        """Closes what was made."""
        if self._client is not None:
            await self._client.aclose()
        if self._server is not None:
            await self._server.aclose()


def _openai(id: str, config: ExpertConfig | SynthesizerConfig, shared: Shared) -> Agent:
    if config.endpoint is None:
        raise ConfigError("this kind of agent needs an `endpoint`")
    return OpenAIHTTPAgent(
        id,
        config.model,
        config.endpoint,
        api_key=config.api_key.get_secret_value() if config.api_key else None,
        timeouts=config.timeouts.to_timeouts(),
        client=shared.client,
    )


def _local(id: str, config: ExpertConfig | SynthesizerConfig, shared: Shared) -> Agent:
    if config.endpoint is not None:
        raise ConfigError("a local model has no `endpoint`")
    timeouts = config.timeouts.to_timeouts()
    return LocalAgent(id, config.model, server=shared.server, timeouts=timeouts)


Builder = Callable[[str, ExpertConfig | SynthesizerConfig, Shared], Agent]

KINDS: dict[str, Builder] = {"local": _local, "openai": _openai}


def build_agent(id: str, config: ExpertConfig | SynthesizerConfig, shared: Shared) -> Agent:
    """The agent for one entry of a panel file; without a `kind` the endpoint decides.

    Raises:
        ConfigError: The kind is unknown, or the entry does not fit it.
    """
    kind = config.kind or ("local" if config.endpoint is None else "openai")
    if kind not in KINDS:
        raise ConfigError(f"unknown kind {kind!r} (known: {', '.join(KINDS)})")
    return KINDS[kind](id, config, shared)
