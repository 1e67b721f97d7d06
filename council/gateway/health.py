"""`GET /health`: whether runs are taken, and how the panels' local models stand."""

from __future__ import annotations

from quart import Blueprint, Response

from council.gateway.panels import OpenPanel
from council.gateway.replies import json_reply
from council.gateway.schema import Health, PanelHealth
from council.gateway.state import GatewayState
from serving.gate import installed


def routes(state: GatewayState) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/health")
    async def health() -> Response:
        draining = installed().drain.draining
        found = Health(
            status="draining" if draining else "ready",
            panels=[_panel(panel) for panel in state.panels.all],
            active=state.runs.active,
            waiting=state.runs.waiting,
            keeping=state.store is not None and state.store.keeping,
        )
        return json_reply(found, 503 if draining else 200)

    return blueprint


def _panel(panel: OpenPanel) -> PanelHealth:
    server = panel.council.local_server
    return PanelHealth(name=panel.name, local=server.state if server else None)
