"""A gateway on a real socket, in this process, and what scripted panels ask for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx
from httpx_sse import ServerSentEvent, aconnect_sse
from hypercorn.asyncio import serve

from council.agents.base import Agent
from council.council import open_council
from council.expert import Expert
from council.gateway.app import create_app
from council.gateway.page import OPEN_PATHS
from council.gateway.panels import Panels, open_panel
from council.gateway.state import GatewayOptions, GatewayState, gateway_of
from council.sources import PanelSource
from council.store.store import Store
from serving.drain import Stopping
from serving.gate import Gate
from serving.listener import bind, http_config, url_of
from serving.options import Options

PATIENCE = 110.0
Seats = Sequence[Agent | Expert]


@dataclass
class Site:
    """A running gateway."""

    state: GatewayState
    gate: Gate
    stopping: Stopping
    url: str = ""
    port: int = 0
    told: list[str] = field(default_factory=list)

    def client(self, **headers: str) -> httpx.AsyncClient:
        """A client with these headers in each request."""
        return httpx.AsyncClient(
            base_url=self.url, timeout=PATIENCE, headers=headers, trust_env=False
        )


@asynccontextmanager
async def gateway(
    panels: Mapping[str, PanelSource],
    *,
    store: Path | None = None,
    options: GatewayOptions | None = None,
    serving: Options | None = None,
    loopback: bool = True,
) -> AsyncIterator[Site]:
    """A gateway that is served until the block is left, or it is stopped."""
    serving = serving or Options()
    gate = Gate(serving, loopback=loopback, open_paths=("/health", *OPEN_PATHS))
    told: list[str] = []
    stopping = Stopping(gate.drain, serving.drain, told.append)
    async with (
        opened(panels, store) as (served, kept),
        gateway_of(served, store=kept, options=options, drain=gate.drain) as state,
    ):
        site = Site(state, gate, stopping, told=told)
        listener = bind("127.0.0.1", 0)
        site.url, site.port = url_of(listener), listener.getsockname()[1]

        async def until_stopped() -> None:
            await stopping.wait()
            state.runs.cancel_all()
            await state.runs.wait_over()

        app, config = create_app(state, gate), http_config(listener, keep_alive=10 * PATIENCE)
        running = asyncio.create_task(serve(app, config, shutdown_trigger=until_stopped))
        try:
            yield site
        finally:
            stopping.end()
            with anyio.fail_after(PATIENCE):
                await running


@asynccontextmanager
async def opened(
    panels: Mapping[str, PanelSource], path: Path | None
) -> AsyncIterator[tuple[Panels, Store | None]]:
    """Panels that write to a store, where there is one."""
    async with AsyncExitStack() as stack:
        store = stack.enter_context(Store(path)) if path else None
        found = []
        for name, source in panels.items():
            council = await stack.enter_async_context(open_council(source, store=store))
            found.append(open_panel(name, council))
        yield Panels(found), store


async def watch(web: httpx.AsyncClient, id: str, **headers: str) -> list[ServerSentEvent]:
    """All events of a run, from the gateway's stream."""
    path = f"/v1/council/runs/{id}/events"
    async with aconnect_sse(web, "GET", path, headers=headers) as source:
        return [event async for event in source.aiter_sse()]


def result_of(events: Sequence[ServerSentEvent]) -> dict[str, Any]:
    """The result in a run's last event."""
    assert events[-1].event == "run.finished"
    found: dict[str, Any] = json.loads(events[-1].data)["result"]
    return found
