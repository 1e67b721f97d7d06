"""An OpenTelemetry SDK that keeps in memory what council tells it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    HistogramDataPoint,
    InMemoryMetricReader,
    NumberDataPoint,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

Point = HistogramDataPoint | NumberDataPoint


class Collected:
    """What has been told so far."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)

    def spans(self, prefix: str = "") -> list[ReadableSpan]:
        """The spans that have ended, in the order of their starts."""
        found = [span for span in self._spans.get_finished_spans() if span.name.startswith(prefix)]
        return sorted(found, key=lambda span: span.start_time or 0)

    def run(self) -> ReadableSpan:
        """The one run's span."""
        (span,) = self.spans("invoke_agent")
        return span

    def children(self, parent: ReadableSpan) -> list[ReadableSpan]:
        """The spans right below a span."""
        return [span for span in self.spans() if is_child(span, parent)]

    def points(self, name: str) -> list[Point]:
        """A metric's points."""
        data = self._reader.get_metrics_data()
        scopes = [
            scope
            for each in (data.resource_metrics if data else ())
            for scope in each.scope_metrics
        ]
        found = [metric for scope in scopes for metric in scope.metrics if metric.name == name]
        return [
            point
            for metric in found
            for point in metric.data.data_points
            if isinstance(point, Point)
        ]


def attributes(of: ReadableSpan | Point) -> Mapping[str, Any]:
    """The attributes of a span or a metric's point."""
    return of.attributes or {}


def is_child(span: ReadableSpan, parent: ReadableSpan) -> bool:
    """Whether a span stands right below another, in the same trace."""
    above, itself = span.parent, parent.context
    if above is None or itself is None:
        return False
    return (above.trace_id, above.span_id) == (itself.trace_id, itself.span_id)


@contextmanager
def collecting() -> Iterator[Collected]:
    """An SDK that is set up for the length of the block."""
    collected = Collected()
    with pytest.MonkeyPatch.context() as patch:
        # The real setters can be called once in a process.
        patch.setattr(trace, "get_tracer_provider", lambda: collected.tracers)
        patch.setattr(metrics, "get_meter_provider", lambda: collected.meters)
        yield collected
    collected.tracers.shutdown()
    collected.meters.shutdown()
