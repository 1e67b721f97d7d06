"""The headers that tell a server which trace a request belongs to."""

from __future__ import annotations

import sys


def trace_headers() -> dict[str, str]:
    """`traceparent` and its like for the span that is current; nothing where nobody traces."""
    if "opentelemetry.trace" not in sys.modules:
        return {}
    from opentelemetry import propagate, trace

    if not trace.get_current_span().get_span_context().is_valid:
        return {}
    headers: dict[str, str] = {}
    propagate.inject(headers)
    # Baggage is what an application tells its own services, and a model's server is none of these.
    headers.pop("baggage", None)
    return headers
