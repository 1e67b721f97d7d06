"""Which families of routes the server has."""

from __future__ import annotations

from collections.abc import Callable

from quart import Blueprint

from backend.api import (
    chat,
    completions,
    embeddings,
    health,
    messages,
    metrics,
    models,
    openapi,
    responses,
    sessions,
    tokens,
)
from backend.registry import Registry

FAMILIES: tuple[Callable[[Registry], Blueprint], ...] = (
    chat.routes,
    completions.routes,
    embeddings.routes,
    health.routes,
    messages.routes,
    metrics.routes,
    models.routes,
    openapi.routes,
    responses.routes,
    sessions.routes,
    tokens.routes,
)
