"""A request's trace goes on in the run that it asks for."""

from __future__ import annotations

import sys
from collections.abc import Iterable


def join_trace(headers: Iterable[tuple[str, str]]) -> None:
    """Makes the span that a request's headers name the current one of the task that serves it.

    Without an SDK this costs a look into a dictionary. Whoever has another instrumentation of its
    server keeps that one's span.
    """
    if "opentelemetry.trace" not in sys.modules:
        return
    from opentelemetry import context, propagate, trace

    if not trace.get_current_span().get_span_context().is_valid:
        context.attach(propagate.extract({name.lower(): value for name, value in headers}))
