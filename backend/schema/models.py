"""The answers of ``GET /v1/models``."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class ModelCard(BaseModel):
    """A model that requests can name; ``progress`` of loading goes from 0 to 1."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "council-backend"
    status: Literal["unloaded", "loading", "ready", "restarting", "failed"]
    progress: float


class ModelList(BaseModel):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[ModelCard]
