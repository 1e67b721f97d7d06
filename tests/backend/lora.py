"""Writes LoRA adapters of random numbers for the models of ``random_model``."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

_RANK = 4


def write_lora(
    path: Path, *, width: int = 64, architecture: str = "llama", tensor: str = "blk.0.attn_q"
) -> Path:
    """Writes an adapter for one square matrix of a model; returns its path."""
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(_RANK))
    random = np.random.default_rng(7)
    for name, shape in (("lora_a", (_RANK, width)), ("lora_b", (width, _RANK))):
        writer.add_tensor(f"{tensor}.weight.{name}", random.normal(0, 1, shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
