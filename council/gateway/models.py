"""`GET /v1/models`: the panels, as clients of models list them."""

from __future__ import annotations

from quart import Blueprint, Response

from council.gateway.panels import OpenPanel
from council.gateway.replies import json_reply
from council.gateway.schema import ModelCard, ModelList
from council.gateway.state import GatewayState


def routes(state: GatewayState) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("models", __name__)

    @blueprint.get("/v1/models")
    async def every_model() -> Response:
        return json_reply(ModelList(data=[_card(state, panel) for panel in state.panels.all]))

    # Whoever asks for "organisation/model" learns that there is no such panel, not no such route.
    @blueprint.get("/v1/models/<path:name>")
    async def one_model(name: str) -> Response:
        return json_reply(_card(state, state.panels.find(name)))

    return blueprint


def _card(state: GatewayState, panel: OpenPanel) -> ModelCard:
    id = panel.name if panel.strategy is None else f"{panel.name}:{panel.strategy}"
    return ModelCard(id=id, created=int(state.created), description=panel.description)
