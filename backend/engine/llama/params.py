"""From the options of a command line to llama.cpp's parameters."""

from __future__ import annotations

from typing import Any

import llama_cpp as lib

from backend.engine.messages import Load

_BATCH, _GPU_BATCH, _UBATCH = 512, 2048, 512
_CACHE_TYPES = {
    "f32": lib.GGML_TYPE_F32,
    "f16": lib.GGML_TYPE_F16,
    "q8_0": lib.GGML_TYPE_Q8_0,
    "q5_1": lib.GGML_TYPE_Q5_1,
    "q5_0": lib.GGML_TYPE_Q5_0,
    "q4_1": lib.GGML_TYPE_Q4_1,
    "q4_0": lib.GGML_TYPE_Q4_0,
    "iq4_nl": lib.GGML_TYPE_IQ4_NL,
}
_FLASH = {
    "auto": lib.LLAMA_FLASH_ATTN_TYPE_AUTO,
    "on": lib.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "off": lib.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}
_ROPE = {
    "auto": lib.LLAMA_ROPE_SCALING_TYPE_UNSPECIFIED,
    "none": lib.LLAMA_ROPE_SCALING_TYPE_NONE,
    "linear": lib.LLAMA_ROPE_SCALING_TYPE_LINEAR,
    "yarn": lib.LLAMA_ROPE_SCALING_TYPE_YARN,
}


def context_params(load: Load) -> Any:
    """What all contexts of a model have in common."""
    options = load.options
    params = lib.llama_context_default_params()
    params.n_threads = load.threads
    params.n_threads_batch = options.threads_batch or load.threads
    params.flash_attn_type = _FLASH[options.flash_attention]
    params.type_k = _CACHE_TYPES[options.cache_type_k]
    params.type_v = _CACHE_TYPES[options.cache_type_v]
    params.rope_scaling_type = _ROPE[options.rope_scaling]
    if options.rope_scale:
        params.rope_freq_scale = 1 / options.rope_scale
    params.rope_freq_base = options.rope_base
    params.yarn_orig_ctx = options.yarn_ctx
    return params


def uses_gpu(load: Load) -> bool:
    """Whether there is a GPU for this model."""
    return load.gpu_layers != 0 and bool(lib.llama_supports_gpu_offload())


def batch_sizes(load: Load) -> tuple[int, int]:
    """Most tokens in one decode, and most that are computed at once.

    A GPU has the memory for larger ones, and is idle between decodes.
    """
    chosen = load.options.batch or (_GPU_BATCH if uses_gpu(load) else _BATCH)
    batch = max(chosen, load.parallel)
    return batch, min(batch, load.options.ubatch or max(_UBATCH, load.parallel))
