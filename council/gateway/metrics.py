"""`GET /metrics`: what became of runs, in the text format that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from quart import Blueprint, Response

from council.gateway.live_run import LiveRun
from council.gateway.runs import Runs
from council.gateway.state import GatewayState
from council.replies import Reply
from council.result import Result

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500)


def routes(state: GatewayState) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("metrics", __name__)
    counted = Metrics(state.runs)
    state.runs.watchers.append(counted.note)

    @blueprint.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(counted.registry), content_type=CONTENT_TYPE_LATEST)

    return blueprint


class Metrics:
    """Counts runs when they are over."""

    def __init__(self, runs: Runs) -> None:
        self.registry = CollectorRegistry()
        of_run = ("panel", "strategy", "status")
        self._runs = self._counter("runs", "Runs that are over.", *of_run)
        self._experts = self._counter(
            "experts", "What became of asking experts.", "panel", "expert", "outcome"
        )
        self._tokens = self._counter("tokens", "Tokens of all requests.", "panel", "kind")
        self._cost = self._counter("cost_usd", "US dollars, where prices are known.", "panel")
        self._refused = self._counter("runs_refused", "Runs refused because the queue was full.")
        self._seconds = Histogram(
            "council_gateway_run_seconds",
            "How long runs took, without their time in the queue.",
            ["panel"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._gauge("runs_active", "Runs under way.").set_function(lambda: runs.active)
        self._gauge("runs_waiting", "Runs in the queue.").set_function(lambda: runs.waiting)

    def note(self, run: LiveRun | None) -> None:
        """A run is over; None for one that was refused."""
        if run is None:
            self._refused.inc()
        elif (result := run.result) is not None:
            self._runs.labels(run.panel, run.strategy, run.status).inc()
            self._seconds.labels(run.panel).observe(result.seconds)
            self._note_use(run.panel, result)
            for reply in _replies(result):
                self._experts.labels(run.panel, reply.id, reply.status).inc()

    def _note_use(self, panel: str, result: Result) -> None:
        self._tokens.labels(panel, "prompt").inc(result.usage.prompt_tokens)
        self._tokens.labels(panel, "completion").inc(result.usage.completion_tokens)
        self._cost.labels(panel).inc(result.cost.at_least)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"council_gateway_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"council_gateway_{name}", text, registry=self.registry)


def _replies(result: Result) -> Iterator[Reply]:
    """All replies of a run, each once: a debate's first round stands in two places."""
    rounds = (reply for held in result.rounds for reply in held.replies)
    decider = () if result.decider is None else (result.decider,)
    seen: set[int] = set()
    for reply in chain(result.experts, rounds, decider, result.others):
        if id(reply) not in seen:
            seen.add(id(reply))
            yield reply
