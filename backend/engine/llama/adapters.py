"""LoRA adapters on a model's weights."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llama_cpp as lib

from backend.engine.llama.files import check_file
from backend.engine.llama.log import LlamaError, NativeLog
from backend.options import Lora


class Adapters:
    """A model's adapters, all of them used by each of its contexts."""

    def __init__(self, model: Any, loras: Sequence[Lora], log: NativeLog) -> None:
        """Loads them.

        Raises:
            LlamaError: One cannot be read, or was not made for this model.
        """
        self._model = model
        self._log = log
        self.specs = tuple(loras)
        # Loaded before any context: a context makes room for those that are there.
        self._handles = [self._load(Path(lora.path)) for lora in loras]

    def _load(self, path: Path) -> Any:
        self._log.clear()
        try:
            check_file(path)
            handle = lib.llama_adapter_lora_init(self._model, str(path).encode())
            if not handle:
                raise LlamaError(self._log.reason("llama.cpp cannot load it"))
        except LlamaError as error:
            raise LlamaError(f"LoRA {path}: {error}") from error
        return handle

    def context(self, params: Any) -> Any:
        """A native context on the adapted weights; None where it cannot be made."""
        context = lib.llama_init_from_model(self._model, params)
        if not context or not self._handles:
            return context
        count = len(self._handles)
        handles = (lib.llama_adapter_lora_p_ctypes * count)(*self._handles)
        scales = (ctypes.c_float * count)(*(lora.scale for lora in self.specs))
        if lib.llama_set_adapters_lora(context, handles, count, scales) != 0:
            lib.llama_free(context)
            raise LlamaError("its LoRA adapters cannot be used together")
        return context
