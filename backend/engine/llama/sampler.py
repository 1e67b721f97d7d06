"""Choosing one request's tokens."""

from __future__ import annotations

import ctypes
from typing import Any

import llama_cpp as lib
import numpy as np
from numpy.typing import NDArray

from backend.engine.llama.chain import chain, remembers
from backend.engine.llama.model import Model
from backend.engine.sampling import Sampling, TokenInfo

_CANDIDATE = np.dtype([("id", "<i4"), ("logit", "<f4"), ("p", "<f4")], align=True)
"""``llama_token_data``."""
_IMPOSSIBLE = -9999.0
"""Logprob of what cannot come, which has none that JSON could say."""

Tokens = NDArray[np.int32]


class Sampler:
    """Chooses one request's tokens; knows which ones it chose before."""

    def __init__(self, context: Any, model: Model, window: int, sampling: Sampling) -> None:
        """Prepares.

        Args:
            context: The native context whose logits are sampled.
            model: The vocabulary.
            window: How many tokens back the penalties look at most.
            sampling: The request's choices, already validated.
        """
        self._context = context
        self._model = model
        self._bias = sampling.logit_bias
        self._remembers = remembers(sampling)
        self._everything: NDArray[np.void] | None = None
        self._scratch: NDArray[np.void] | None = None
        self._chain = chain(model, window, sampling)

    def sample(self, row: int) -> int:
        """The next token, from the logits at this position of the last batch; remembers it."""
        token: int = lib.llama_sampler_sample(self._chain, self._context, row)
        return token

    def draw(self, row: int) -> int:
        """As ``sample``, but forgets the token until ``accept``."""
        # Without a memory there is nothing to forget, and llama.cpp is quicker alone.
        return self._chosen(self._all(row)) if self._remembers else self.sample(row)

    def choose(self, row: int, tokens: Tokens) -> int:
        """As ``draw``, among some tokens, at least one."""
        data = _candidates(tokens)
        data["logit"] = self.logits(row)[tokens]
        return self._chosen(data)

    def _all(self, row: int) -> NDArray[np.void]:
        """All tokens with their logits, in memory that is used again."""
        if self._everything is None or self._scratch is None:
            self._everything = _candidates(np.arange(self._model.size, dtype=np.int32))
            self._scratch = self._everything.copy()
        np.copyto(self._scratch, self._everything)
        self._scratch["logit"] = self.logits(row)
        return self._scratch

    def _chosen(self, data: NDArray[np.void]) -> int:
        pointer = data.ctypes.data_as(ctypes.POINTER(lib.llama_token_data))
        array = lib.llama_token_data_array(pointer, len(data), -1, False)
        lib.llama_sampler_apply(self._chain, ctypes.byref(array))
        if not 0 <= array.selected < array.size:
            raise ValueError(f"no token was chosen among {len(data)}")
        return int(array.data[array.selected].id)

    def accept(self, token: int) -> None:
        """Remembers a token that ``draw`` or ``choose`` has chosen."""
        lib.llama_sampler_accept(self._chain, token)

    def logits(self, row: int) -> NDArray[np.float32]:
        """What the model says of each token, until the next decode."""
        found = lib.llama_get_logits_ith(self._context, row)
        if not found:
            raise ValueError(f"there are no logits at {row}")
        return np.ctypeslib.as_array(found, (self._model.size,))

    def ranked(self, row: int, most: int) -> Tokens:
        """The tokens with the highest logits, highest first, with what the request adds to them."""
        logits = self.logits(row).copy()
        for token, bias in self._bias:
            logits[token] += bias
        return _highest(logits, most)

    def report(self, row: int, token: int, alternatives: int) -> TokenInfo:
        """How likely a token was before anything of ``Sampling``, and which ones were likeliest."""
        logits = self.logits(row)
        highest = float(logits.max())
        total = float(np.exp(logits - highest, dtype=np.float64).sum())
        zero = highest + float(np.log(total))

        def told(token: int) -> tuple[str, int, float]:
            piece = self._model.piece(token, special=True).decode("latin-1")
            logprob = float(logits[token]) - zero
            return piece, token, max(logprob, _IMPOSSIBLE) if logprob == logprob else _IMPOSSIBLE

        piece, _, logprob = told(token)
        top = [told(int(found)) for found in _highest(logits, alternatives)]
        return TokenInfo(token, piece, logprob, tuple(top))

    def close(self) -> None:
        """Frees the chain and its links; once."""
        chain, self._chain = self._chain, None
        if chain is not None:
            lib.llama_sampler_free(chain)


def _candidates(tokens: Tokens) -> NDArray[np.void]:
    data = np.zeros(len(tokens), _CANDIDATE)
    data["id"] = tokens
    return data


def _highest(values: NDArray[np.float32], most: int) -> Tokens:
    """Where the highest values are, highest first."""
    most = min(most, len(values))
    if most <= 0:
        return np.empty(0, np.int32)
    found = np.argpartition(values, len(values) - most)[-most:]
    order = np.lexsort((found, -values[found]))
    return found[order].astype(np.int32)
