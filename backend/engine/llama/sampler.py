"""Choosing one request's tokens."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import llama_cpp as lib

from backend.engine.messages import Sampling

_RANDOM_SEED = 0xFFFFFFFF  # llama.cpp draws a seed of its own when it is given this one
_COLDEST = 1e-6  # below, logits divided by the temperature can be no numbers any more


class Sampler:
    """Chooses one request's tokens; knows which ones it chose before."""

    def __init__(self, context: Any, vocabulary: int, window: int, sampling: Sampling) -> None:
        """Builds the chain: biases, penalties, top k, typical p, top p, min p, temperature, draw.

        Args:
            context: The native context whose logits are sampled.
            vocabulary: Number of tokens of the model.
            window: How many tokens back the penalties look.
            sampling: The request's choices, already validated.
        """
        self._context = context
        self._chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        if sampling.logit_bias:
            self._add(_bias(vocabulary, sampling.logit_bias))
        if sampling.repeat_penalty != 1 or sampling.frequency_penalty or sampling.presence_penalty:
            self._add(
                lib.llama_sampler_init_penalties(
                    vocabulary,
                    window,
                    sampling.repeat_penalty,
                    sampling.frequency_penalty,
                    sampling.presence_penalty,
                )
            )
        if sampling.temperature < _COLDEST:
            self._add(lib.llama_sampler_init_greedy())
            return
        self._add(lib.llama_sampler_init_top_k(sampling.top_k))
        if sampling.typical_p < 1:
            self._add(lib.llama_sampler_init_typical(sampling.typical_p, 1))
        self._add(lib.llama_sampler_init_top_p(sampling.top_p, 1))
        self._add(lib.llama_sampler_init_min_p(sampling.min_p, 1))
        self._add(lib.llama_sampler_init_temp(sampling.temperature))
        seed = secrets.randbits(31) if sampling.seed is None else sampling.seed
        self._add(lib.llama_sampler_init_dist(seed % _RANDOM_SEED))

    def _add(self, link: Any) -> None:
        lib.llama_sampler_chain_add(self._chain, link)

    def sample(self, row: int) -> int:
        """The next token, from the logits at this position of the last batch; remembers it."""
        token: int = lib.llama_sampler_sample(self._chain, self._context, row)
        return token

    def close(self) -> None:
        """Frees the chain and its links; once."""
        chain, self._chain = self._chain, None
        if chain is not None:
            lib.llama_sampler_free(chain)


def _bias(vocabulary: int, biases: Sequence[tuple[int, float]]) -> Any:
    """A link that adds to the logits of some tokens; it keeps a copy of its own."""
    array = (lib.llama_logit_bias * len(biases))()
    for entry, (token, bias) in zip(array, biases, strict=True):
        entry.token, entry.bias = token, bias
    return lib.llama_sampler_init_logit_bias(vocabulary, len(biases), array)
