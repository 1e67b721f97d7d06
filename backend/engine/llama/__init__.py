"""llama.cpp: the only package that imports it, loaded only in worker processes.

Misuse of this library kills the process, so everything is checked in Python before a native call.
A context belongs to the thread that drives it; a model's vocabulary may be used from any thread.
"""

from __future__ import annotations

from backend.engine.llama.context import Context, NoMemoryError, Outcome
from backend.engine.llama.embedding import EmbeddingContext, embedding_limit
from backend.engine.llama.files import check_file
from backend.engine.llama.log import LlamaError, NativeLog
from backend.engine.llama.model import LIBRARY, Model
from backend.engine.llama.sampler import Sampler

__all__ = [
    "LIBRARY",
    "Context",
    "EmbeddingContext",
    "LlamaError",
    "Model",
    "NativeLog",
    "NoMemoryError",
    "Outcome",
    "Sampler",
    "check_file",
    "embedding_limit",
]
