"""`GET /v1/council/panels`: who sits on each panel."""

from __future__ import annotations

from quart import Blueprint, Response

from council.gateway.panel_list import panel_list
from council.gateway.replies import json_reply
from council.gateway.state import GatewayState


def routes(state: GatewayState) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("panels", __name__)

    @blueprint.get("/v1/council/panels")
    async def panels() -> Response:
        return json_reply(panel_list(state.panels))

    return blueprint
