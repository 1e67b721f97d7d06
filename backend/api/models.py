"""``GET /v1/models`` and ``GET /v1/models/ID``."""

from __future__ import annotations

from quart import Blueprint, Response

from backend.registry import Model, Registry
from backend.schema.models import ModelCard, ModelList


def routes(registry: Registry) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("models", __name__)

    @blueprint.get("/v1/models")
    async def every_model() -> Response:
        listing = ModelList(data=[_card(model) for model in registry.models])
        return Response(listing.model_dump_json(), content_type="application/json")

    # Ids may hold slashes, as in "organisation/model".
    @blueprint.get("/v1/models/<path:name>")
    async def one_model(name: str) -> Response:
        card = _card(registry.find(name))
        return Response(card.model_dump_json(), content_type="application/json")

    return blueprint


def _card(model: Model) -> ModelCard:
    supervisor = model.supervisor
    return ModelCard(
        id=model.id,
        created=model.created,
        status=supervisor.state.value,
        progress=supervisor.progress,
    )
