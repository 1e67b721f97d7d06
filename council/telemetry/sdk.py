"""Whether anybody listens to OpenTelemetry here; its API is not even loaded to find that out."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING

from council.telemetry.names import SCHEMA_URL
from council.telemetry.subject import Subject

if TYPE_CHECKING:
    from council.telemetry.metrics import RunMetrics
    from council.telemetry.spans import RunSpans

# The API's own providers pass everything on to nobody.
_DEAF = ("opentelemetry.trace", "opentelemetry.metrics")


def spans(subject: Subject) -> RunSpans | None:
    """What makes a run's trace; None where no tracer provider is set up."""
    if not _may_listen("opentelemetry.trace", "OTEL_PYTHON_TRACER_PROVIDER"):
        return None
    from opentelemetry import trace

    provider = trace.get_tracer_provider()
    if _is_deaf(provider):
        return None
    from council.telemetry.spans import RunSpans

    return RunSpans(provider.get_tracer("council", _version(), SCHEMA_URL), subject)


def metrics(subject: Subject) -> RunMetrics | None:
    """What records a run's metrics; None where no meter provider is set up."""
    if not _may_listen("opentelemetry.metrics", "OTEL_PYTHON_METER_PROVIDER"):
        return None
    from opentelemetry import metrics

    provider = metrics.get_meter_provider()
    if _is_deaf(provider):
        return None
    from council.telemetry.metrics import RunMetrics, instruments

    return RunMetrics(instruments(provider, _version()), subject)


def _may_listen(module: str, variable: str) -> bool:
    # Whoever sets a provider up has loaded the API for it, unless the API is told to by itself.
    return module in sys.modules or bool(os.environ.get(variable))


def _is_deaf(provider: object) -> bool:
    return type(provider).__module__.startswith(_DEAF)


@cache
def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("council")
    except metadata.PackageNotFoundError:
        return "0"  # a checkout that nobody has installed
