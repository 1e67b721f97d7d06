"""Which families of routes the server has."""

from __future__ import annotations

from collections.abc import Callable

from quart import Blueprint

from backend.api import chat, embeddings, health, metrics, models
from backend.registry import Registry

FAMILIES: tuple[Callable[[Registry], Blueprint], ...] = (
    chat.routes,
    embeddings.routes,
    health.routes,
    metrics.routes,
    models.routes,
)
