"""What ``GET /v1/models`` answers, and the bodies of the routes that load and unload a model."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class ModelMeta(BaseModel):
    """What is known of a model; all but ``size`` is known once it has been loaded.

    ``size`` is in bytes of its file, ``n_params`` the number of its weights. ``n_ctx`` is the most
    tokens of one request, ``n_ctx_train`` those it was trained for, ``n_vocab`` the number of
    different ones; ``n_embd`` is the length of its vectors.
    """

    size: int | None
    n_params: int | None
    n_ctx: int | None
    n_ctx_train: int | None
    n_vocab: int | None
    n_embd: int | None


class ModelCard(BaseModel):
    """A model that requests can name; ``progress`` of loading goes from 0 to 1."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "council-backend"
    status: Literal["unloaded", "loading", "ready", "restarting", "failed"]
    progress: float
    meta: ModelMeta


class ModelList(BaseModel):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class ModelChange(BaseModel):
    """Which model to load or to unload; without a name, the only one there is."""

    model_config = ConfigDict(strict=True, extra="ignore")

    model: str | None = None


class ModelChanged(BaseModel):
    """The model as it is now."""

    success: Literal[True] = True
    model: ModelCard
