"""Local models loaded before anybody asks, and how they stand."""

from __future__ import annotations

from collections.abc import Callable

from council.errors import AgentError
from council.gateway.panels import Panels
from council.tasks import task_group


async def preload(panels: Panels, tell: Callable[[str], object]) -> None:
    """Starts the bundled backend for each panel with local models, and loads them.

    Args:
        panels: The panels.
        tell: Where a line for whoever looks on goes.
    """

    async def load(name: str) -> None:
        server = panels.find(name).council.local_server
        if server is None:
            return
        try:
            await server.load_all()
        except AgentError as error:
            tell(f"warning: panel {name}: {error}")
        else:
            tell(f"panel {name}: its local models are loaded")

    async with task_group() as group:
        for name in panels.names:
            group.start_soon(load, name)
