"""The answer of ``GET /health``."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class EngineCounters(BaseModel):
    """Counters since the model's worker process started.

    ``steps`` decodes made ``generated`` tokens and computed ``prefilled`` prompt tokens, while
    ``reused`` came from a cache; ``widest`` is the most requests one decode served, ``preempted``
    how often one had to step back for a while, ``longest_wait`` the most decodes that a request
    waited for its turn.
    """

    steps: int
    generated: int
    prefilled: int
    reused: int
    widest: int
    preempted: int
    longest_wait: int


class ModelHealth(BaseModel):
    """How one model is.

    ``progress`` of loading goes from 0 to 1, ``ctx`` is in tokens for one request; ``memory``, in
    bytes by the model's file, is given where models are loaded on demand.
    """

    id: str
    status: Literal["unloaded", "loading", "ready", "restarting", "failed"]
    progress: float
    error: str | None
    ctx: int | None
    restarts: int
    active: int
    queued: int
    pid: int | None
    memory: int | None
    engine: EngineCounters


class Health(BaseModel):
    """How the server is: ready (all models), degraded (some), loading or failed (none).

    Draining: it finishes what it has begun, takes no more, and ends.
    """

    status: Literal["ready", "loading", "degraded", "failed", "draining"]
    models: list[ModelHealth]
