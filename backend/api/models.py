"""The models: listed, found by id, loaded and unloaded.

The two that change something have llama-server's paths and take the id in their body: in a path,
clients and proxies rewrite ids that hold slashes, dots or percent signs.
"""

from __future__ import annotations

from quart import Blueprint, Response

from backend.api.body import parse_body
from backend.api.replies import json_reply
from backend.registry import Model, Registry
from backend.schema.models import ModelCard, ModelChange, ModelChanged, ModelList, ModelMeta


def routes(registry: Registry) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("models", __name__)

    @blueprint.get("/models")
    @blueprint.get("/v1/models")
    async def every_model() -> Response:
        return json_reply(ModelList(data=[_card(model) for model in registry.models]))

    # Ids may hold slashes, as in "organisation/model".
    @blueprint.get("/v1/models/<path:name>")
    async def one_model(name: str) -> Response:
        return json_reply(_card(registry.find(name)))

    @blueprint.post("/models/load")
    async def load() -> Response:
        model = registry.find((await parse_body(ModelChange)).model)
        await registry.load(model)
        return json_reply(ModelChanged(model=_card(model)))

    @blueprint.post("/models/unload")
    async def unload() -> Response:
        model = registry.find((await parse_body(ModelChange)).model)
        await registry.unload(model)
        return json_reply(ModelChanged(model=_card(model)))

    return blueprint


def _card(model: Model) -> ModelCard:
    supervisor = model.supervisor
    return ModelCard(
        id=model.id,
        created=model.created,
        status=supervisor.state.value,
        progress=supervisor.progress,
        meta=_meta(model),
    )


def _meta(model: Model) -> ModelMeta:
    card = model.supervisor.card
    return ModelMeta(
        size=model.size,
        n_params=card and card.parameters,
        n_ctx=card and card.ctx,
        n_ctx_train=card and card.trained,
        n_vocab=card and card.vocabulary,
        n_embd=card and card.width,
    )
