"""``GET /health``: which models are there, and what they are doing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from quart import Blueprint, Response

from backend.api.replies import json_reply
from backend.engine.state import State
from backend.registry import Model, Registry
from backend.schema.health import EngineCounters, Health, ModelHealth
from serving.gate import installed


def routes(registry: Registry) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/health")
    async def health() -> Response:
        states = [model.supervisor.state for model in registry.models]
        models = [_model(model, on_demand=registry.on_demand) for model in registry.models]
        draining = installed().drain.draining
        found = Health(status="draining" if draining else overall(states), models=models)
        answers = not draining and {State.READY, State.UNLOADED} & set(states)
        status = 200 if answers else 503
        return json_reply(found, status)

    return blueprint


def overall(states: Collection[State]) -> Literal["ready", "loading", "degraded", "failed"]:
    """One word for all models: failed and degraded need somebody's attention, loading passes.

    A model that nobody wants is as good as ready.
    """
    states = [State.READY if state is State.UNLOADED else state for state in states]
    if all(state is State.READY for state in states):
        return "ready"
    if State.READY in states:
        return "loading" if set(states) <= {State.READY, State.LOADING} else "degraded"
    return "failed" if all(state is State.FAILED for state in states) else "loading"


def _model(model: Model, *, on_demand: bool) -> ModelHealth:
    supervisor = model.supervisor
    stats = supervisor.stats
    return ModelHealth(
        id=model.id,
        status=supervisor.state.value,
        progress=supervisor.progress,
        error=supervisor.error,
        ctx=supervisor.card.ctx if supervisor.card else None,
        restarts=supervisor.restarts,
        active=stats.active,
        queued=supervisor.queued,
        pid=supervisor.pid,
        memory=model.memory if on_demand else None,
        engine=EngineCounters(
            steps=stats.steps,
            generated=stats.generated,
            prefilled=stats.prefilled,
            reused=stats.reused,
            widest=stats.widest,
            preempted=stats.preempted,
            longest_wait=stats.longest_wait,
        ),
    )
