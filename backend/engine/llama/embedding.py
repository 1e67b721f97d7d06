"""Vectors of texts: a context of its own on a model's weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import llama_cpp as lib
import numpy as np

from backend.engine.llama.log import LlamaError, NativeLog
from backend.engine.llama.model import Model
from backend.engine.llama.params import context_params
from backend.engine.messages import Load

_BATCH = 512
_TEXTS = 32
_STEP = 256
"""Room is given in multiples of this; one that ``_TEXTS`` does not divide kills the process."""
_POOLING = {
    "mean": lib.LLAMA_POOLING_TYPE_MEAN,
    "cls": lib.LLAMA_POOLING_TYPE_CLS,
    "last": lib.LLAMA_POOLING_TYPE_LAST,
}


class EmbeddingContext:
    """Embeds some texts in one batch. Belongs to the thread that calls ``embed``."""

    def __init__(self, model: Model, load: Load, log: NativeLog) -> None:
        """Prepares the context; memory is taken when texts come."""
        self._model = model
        self._load = load
        self._log = log
        self._pooling = pooling(model, load)
        self._context: Any = None
        self._batch: Any = None
        self._width = model.width
        self.tokens = _BATCH
        self.texts = _TEXTS if model.can_cut else 1

    def prepare(self) -> None:
        """Takes the memory; afterwards ``texts`` and ``tokens`` are what there is.

        Raises:
            LlamaError: There is not enough.
        """
        if self._context is None:
            self._open(self.tokens)

    def embed(self, texts: Sequence[Sequence[int]]) -> list[bytes]:
        """A vector of length 1 for each text, as 32-bit floats, little endian.

        Args:
            texts: At most ``self.texts``, of together ``self.tokens``; a single one may have more.
                Only after ``prepare``.

        Raises:
            LlamaError: There is not enough memory, or the model gives no vectors.
            ValueError: The texts do not fit a batch, which would kill the process.
        """
        total = sum(map(len, texts))
        if not 0 < len(texts) <= self.texts or (total > self.tokens and len(texts) > 1):
            raise ValueError(f"{len(texts)} texts of {total} tokens do not fit a batch")
        if total > self.tokens:
            self._open(total)
        self._fill(texts)
        code = self._compute()
        if code != 0:
            self.close()
            raise LlamaError(f"llama.cpp returned {code} for an embedding of {total} tokens")
        return [self._vector(seq) for seq in range(len(texts))]

    def close(self) -> None:
        """Gives back the memory; the next texts take it again."""
        if self._context is not None:
            lib.llama_batch_free(self._batch)
            lib.llama_free(self._context)
        self._context = self._batch = None

    def _open(self, tokens: int) -> None:
        """Allocates room: a text has to be computed at once, so room for all of it."""
        self.close()
        self._log.clear()
        tokens = math.ceil(tokens / _STEP) * _STEP
        # Some architectures cannot share one buffer among sequences.
        for texts in (self.texts, 1):
            if context := self._create(tokens, texts):
                self._context = context
                self._batch = lib.llama_batch_init(tokens, 0, 1)
                self.tokens, self.texts = tokens, texts
                return
        reason = self._log.reason(f"no room for {tokens} tokens")
        raise LlamaError(f"no context for embeddings: {reason}")

    def _create(self, tokens: int, texts: int) -> Any:
        params = context_params(self._load)
        params.n_ctx = params.n_batch = params.n_ubatch = tokens
        params.n_seq_max = texts
        params.kv_unified = texts > 1
        params.embeddings = True
        params.pooling_type = self._pooling
        return self._model.adapters.context(params)

    def _fill(self, texts: Sequence[Sequence[int]]) -> None:
        batch = self._batch
        at = 0
        for seq, tokens in enumerate(texts):
            for position, token in enumerate(tokens):
                batch.token[at] = token
                batch.pos[at] = position
                batch.n_seq_id[at] = 1
                batch.seq_id[at][0] = seq
                batch.logits[at] = 1
                at += 1
        batch.n_tokens = at

    def _compute(self) -> int:
        memory = lib.llama_get_memory(self._context)
        if not memory:
            return int(lib.llama_encode(self._context, self._batch))
        lib.llama_memory_clear(memory, False)
        return int(lib.llama_decode(self._context, self._batch))

    def _vector(self, seq: int) -> bytes:
        found = lib.llama_get_embeddings_seq(self._context, seq)
        if not found:
            raise LlamaError("the model gave no vector")
        vector = np.ctypeslib.as_array(found, (self._width,)).astype(np.float64)
        length = float(np.linalg.norm(vector))
        if not np.isfinite(length):
            raise LlamaError("the model gave a vector that is not finite")
        return (vector / (length or 1.0)).astype("<f4").tobytes()


def embedding_limit(model: Model, load: Load) -> int:
    """Most tokens of one text."""
    return min(load.ctx, model.longest or load.ctx)


def pooling(model: Model, load: Load) -> int:
    """How a text's vector is made of its tokens': as chosen, else as the file says, else the mean.

    Raises:
        LlamaError: The model gives scores and no vectors.
    """
    if load.options.pooling != "auto":
        return _POOLING[load.options.pooling]
    named = int(model.fact("pooling_type") or lib.LLAMA_POOLING_TYPE_NONE)
    if named == lib.LLAMA_POOLING_TYPE_RANK:
        raise LlamaError("it ranks texts and makes no vectors of them")
    return named if named in _POOLING.values() else lib.LLAMA_POOLING_TYPE_MEAN
