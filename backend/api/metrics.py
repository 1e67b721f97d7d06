"""``GET /metrics``: counters in the text format that Prometheus reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from quart import Blueprint, Response

from backend.engine.messages import Stats
from backend.engine.state import State
from backend.engine.supervisor import Supervisor
from backend.registry import Registry

Family = CounterMetricFamily | GaugeMetricFamily

_GAUGES: dict[str, tuple[str, Callable[[Supervisor], float]]] = {
    "chats_active": ("Chats that are being answered.", lambda model: model.stats.active),
    "chats_waiting": (
        "Chats that wait for their turn, and requests that wait for the model.",
        lambda model: model.queued,
    ),
    "embeddings_active": ("Requests for vectors under way.", lambda model: model.embedding),
    "load_progress": ("How much of the model is loaded, 0 to 1.", lambda model: model.progress),
}
_COUNTERS: dict[str, tuple[str, Callable[[Supervisor], float]]] = {
    "requests": ("Requests taken.", lambda model: model.totals.requests),
    "prompt_tokens": (
        "Tokens of prompts, computed or reused.",
        lambda model: model.totals.prompt_tokens,
    ),
    "embedded_tokens": (
        "Tokens of texts that became vectors.",
        lambda model: model.totals.embedded_tokens,
    ),
    "restarts": ("Times the worker process was started again.", lambda model: model.restarts),
}
_ENGINE: dict[str, tuple[str, Callable[[Stats], float]]] = {
    "generated_tokens": ("Tokens of answers.", lambda stats: stats.generated),
    "computed_prompt_tokens": ("Prompt tokens computed.", lambda stats: stats.prefilled),
    "reused_prompt_tokens": ("Prompt tokens taken from a cache.", lambda stats: stats.reused),
    "decodes": ("Batches computed.", lambda stats: stats.steps),
    "preemptions": ("Times a request gave up its cells.", lambda stats: stats.preempted),
    "prompt_seconds": ("Time spent computing prompts.", lambda stats: stats.prompt_seconds),
    "answer_seconds": ("Time spent computing answers.", lambda stats: stats.answer_seconds),
}


def routes(registry: Registry) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("metrics", __name__)
    collectors = CollectorRegistry()
    collectors.register(Models(registry))

    @blueprint.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(collectors), content_type=CONTENT_TYPE_LATEST)

    return blueprint


class Models(Collector):
    """Reads the counters of all models when it is asked."""

    def __init__(self, registry: Registry) -> None:
        """Takes the models."""
        self._registry = registry

    def collect(self) -> Iterable[Family]:
        """All families, each with a sample for each model."""
        models = [(model.id, model.supervisor) for model in self._registry.models]
        for name, (text, value) in _GAUGES.items():
            yield _family(GaugeMetricFamily, name, text, ((id, value(m)) for id, m in models))
        for name, (text, value) in _COUNTERS.items():
            yield _family(CounterMetricFamily, name, text, ((id, value(m)) for id, m in models))
        sums = [(id, m.totals.with_present(m.stats)) for id, m in models]
        for name, (text, of) in _ENGINE.items():
            yield _family(CounterMetricFamily, name, text, ((id, of(stats)) for id, stats in sums))
        yield _states(models)


def _family(
    kind: type[GaugeMetricFamily] | type[CounterMetricFamily],
    name: str,
    text: str,
    values: Iterator[tuple[str, float]],
) -> Family:
    family = kind(f"council_backend_{name}", text, labels=["model"])
    for id, value in values:
        family.add_metric([id], value)
    return family


def _states(models: list[tuple[str, Supervisor]]) -> Family:
    """A sample for each model and state: 1 for the state it is in."""
    family = GaugeMetricFamily(
        "council_backend_model_state", "1 for the state a model is in.", labels=["model", "state"]
    )
    for id, model in models:
        for state in State:
            family.add_metric([id, state.value], float(model.state is state))
    return family
