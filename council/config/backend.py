"""The panel file's `backend:`, how the bundled server is started."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo

from council.config.fields import STRICT, Seconds


def _folder(value: str, info: ValidationInfo) -> str:
    """An absolute path; the validation's context says what it is relative to."""
    folder: Path = (info.context or {}).get("folder", Path())
    return str((folder / Path(value).expanduser()).resolve())


Folder = Annotated[str, Field(min_length=1), AfterValidator(_folder)]
Size = Annotated[str, Field(pattern=r"(?i)^\s*\d+(\.\d+)?[KMGT]?(i?B)?\s*$")]
"""Bytes, or a size like `8G`."""
CacheType = Literal["f32", "f16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"]


class BackendConfig(BaseModel):
    """How the bundled backend is started for experts without an endpoint.

    Attributes:
        ctx: Tokens that each model keeps, shared by its requests.
        parallel: Requests that each model answers at the same time.
        threads: CPU threads for each model; 0 for its share of the cores.
        threads_batch: CPU threads for prompts; 0 for as many as `threads`.
        gpu_layers: Layers to put on a GPU where there is one; -1 for all.
        batch: The most tokens in one step; 0 for 512, on a GPU 2048.
        ubatch: The most tokens computed at once; 0 for as many as `batch`, at most 512.
        flash_attention: Attention without a matrix of scores.
        cache_type_k: How keys are stored.
        cache_type_v: How values are stored; a quantized type needs flash attention.
        kv_unified: One buffer for all requests (`on`), or a part for each, which is faster.
        mmap: Whether the file is mapped instead of read.
        mlock: Whether the weights are kept from being swapped out.
        rope_scaling: How positions beyond the trained ones are reached.
        rope_scale: By how much to stretch the context; left out, as the file says.
        pooling: How a text's vector is made of its tokens'; `auto` for the file's way, or `mean`.
        models_max: How many models are loaded at the same time, on demand; 0 for all, at once.
        models_max_memory: Memory of the models loaded at the same time; 0 for any.
        cache_dir: A folder, relative to the panel file, in which long prompts outlive the server.
        cache_max: The most that is kept there.
        startup_timeout: How long starting and loading may take.
    """

    model_config = STRICT

    ctx: int = Field(4096, ge=64)
    parallel: int = Field(8, ge=1, le=256)
    threads: int = Field(0, ge=0)
    threads_batch: int = Field(0, ge=0)
    gpu_layers: int = Field(-1, ge=-1)
    batch: int = Field(0, ge=0)
    ubatch: int = Field(0, ge=0)
    flash_attention: Literal["auto", "on", "off"] = "auto"
    cache_type_k: CacheType = "f16"
    cache_type_v: CacheType = "f16"
    kv_unified: Literal["auto", "on", "off"] = "auto"
    mmap: bool = True
    mlock: bool = False
    rope_scaling: Literal["auto", "none", "linear", "yarn"] = "auto"
    rope_scale: float | None = Field(None, gt=0, allow_inf_nan=False)
    pooling: Literal["auto", "mean", "cls", "last"] = "auto"
    models_max: int = Field(0, ge=0)
    models_max_memory: Size = "0"
    cache_dir: Folder | None = None
    cache_max: Size = "4G"
    startup_timeout: Seconds = 180.0
