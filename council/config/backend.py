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
    """How the bundled backend is started for experts without an endpoint."""

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
