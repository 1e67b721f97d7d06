"""Which families of routes the server has."""

from __future__ import annotations

from collections.abc import Callable

from quart import Blueprint

from backend.api import chat, health, models
from backend.registry import Registry

FAMILIES: tuple[Callable[[Registry], Blueprint], ...] = (
    chat.routes,
    health.routes,
    models.routes,
)
