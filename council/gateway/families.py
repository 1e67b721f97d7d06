"""All families of routes; each is a module with `routes`."""

from __future__ import annotations

from collections.abc import Callable

from quart import Blueprint

from council.gateway import (
    chat,
    health,
    messages,
    metrics,
    models,
    openapi,
    page,
    panel_routes,
    run_events,
    run_routes,
    transcript,
)
from council.gateway.state import GatewayState

FAMILIES: tuple[Callable[[GatewayState], Blueprint], ...] = (
    chat.routes,
    health.routes,
    messages.routes,
    metrics.routes,
    models.routes,
    openapi.routes,
    page.routes,
    panel_routes.routes,
    run_events.routes,
    run_routes.routes,
    transcript.routes,
)
