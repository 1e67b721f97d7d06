"""A request's samplers in llama.cpp, one after the other."""

from __future__ import annotations

import ctypes
import secrets
from collections.abc import Callable, Sequence
from typing import Any

import llama_cpp as lib

from backend.engine.llama.model import Model
from backend.engine.sampling import LONGEST_BREAKER, SAMPLERS, Sampling

_RANDOM_SEED = 0xFFFFFFFF  # llama.cpp draws a seed of its own when it is given this one
_COLDEST = 1e-6  # below, logits divided by the temperature can be no numbers any more
_MIROSTAT_TOKENS = 100
"""Tokens by which the first version of Mirostat judges how surprising a text is."""


def chain(model: Model, window: int, sampling: Sampling) -> Any:
    """The native chain: biases, the steps of ``Sampling.samplers``, and the draw; to be freed."""
    return _Chain(model, window, sampling).built()


def remembers(sampling: Sampling) -> bool:
    """Whether what is chosen depends on the tokens that were chosen before."""
    repeated = sampling.repeat_penalty != 1
    return bool(
        repeated
        or sampling.frequency_penalty
        or sampling.presence_penalty
        or sampling.dry_multiplier
    )


class _Chain:
    def __init__(self, model: Model, window: int, sampling: Sampling) -> None:
        self._model = model
        self._window = window
        self._sampling = sampling
        self._keep = max(1, sampling.min_keep)
        drawn = secrets.randbits(31) if sampling.seed is None else sampling.seed
        self._seed = drawn % _RANDOM_SEED

    def built(self) -> Any:
        native = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        for link in self._links():
            if link is not None:
                lib.llama_sampler_chain_add(native, link)
        return native

    def _links(self) -> list[Any]:
        sampling = self._sampling
        links = [_bias(self._model.size, sampling.logit_bias) if sampling.logit_bias else None]
        if sampling.temperature < _COLDEST:
            return [*links, self._penalties(), self._dry(), lib.llama_sampler_init_greedy()]
        if sampling.mirostat:
            return [*links, self._penalties(), self._dry(), self._temperature(), self._mirostat()]
        steps: dict[str, Callable[[], Any]] = {
            "penalties": self._penalties,
            "dry": self._dry,
            "top_n_sigma": self._top_n_sigma,
            "top_k": lambda: lib.llama_sampler_init_top_k(sampling.top_k),
            "typ_p": self._typical,
            "top_p": lambda: lib.llama_sampler_init_top_p(sampling.top_p, self._keep),
            "min_p": lambda: lib.llama_sampler_init_min_p(sampling.min_p, self._keep),
            "xtc": self._xtc,
            "temperature": self._temperature,
        }
        order = SAMPLERS if sampling.samplers is None else sampling.samplers
        links += [steps[name]() for name in order if name in steps]
        return [*links, lib.llama_sampler_init_dist(self._seed)]

    def _back(self, tokens: int) -> int:
        """How many tokens are looked back, within the window."""
        return self._window if tokens < 0 else min(tokens, self._window)

    def _penalties(self) -> Any:
        sampling = self._sampling
        repeated = sampling.repeat_penalty != 1
        if not (repeated or sampling.frequency_penalty or sampling.presence_penalty):
            return None
        return lib.llama_sampler_init_penalties(
            self._model.size,
            self._back(sampling.repeat_last_n),
            sampling.repeat_penalty,
            sampling.frequency_penalty,
            sampling.presence_penalty,
        )

    def _dry(self) -> Any:
        sampling = self._sampling
        if not sampling.dry_multiplier:
            return None
        texts = [text.encode()[:LONGEST_BREAKER] for text in sampling.dry_sequence_breakers if text]
        breakers = (ctypes.c_char_p * len(texts))(*texts)
        return lib.llama_sampler_init_dry(
            lib.llama_model_get_vocab(self._model.handle),
            sampling.dry_multiplier,
            max(1.0, sampling.dry_base),
            max(0, sampling.dry_allowed_length),
            self._back(sampling.dry_penalty_last_n),
            breakers,
            len(texts),
        )

    def _top_n_sigma(self) -> Any:
        chosen = self._sampling.top_n_sigma
        return lib.llama_sampler_init_top_n_sigma(chosen) if chosen > 0 else None

    def _typical(self) -> Any:
        chosen = self._sampling.typical_p
        return lib.llama_sampler_init_typical(chosen, self._keep) if chosen < 1 else None

    def _xtc(self) -> Any:
        sampling = self._sampling
        if not sampling.xtc_probability:
            return None
        return lib.llama_sampler_init_xtc(
            sampling.xtc_probability, sampling.xtc_threshold, self._keep, self._seed
        )

    def _temperature(self) -> Any:
        sampling = self._sampling
        # A range as wide as the temperature would reach 0, by which logits are divided.
        spread = min(sampling.dynatemp_range, sampling.temperature - _COLDEST)
        if spread <= 0:
            return lib.llama_sampler_init_temp(sampling.temperature)
        return lib.llama_sampler_init_temp_ext(
            sampling.temperature, spread, sampling.dynatemp_exponent
        )

    def _mirostat(self) -> Any:
        sampling = self._sampling
        tau, eta = sampling.mirostat_tau, sampling.mirostat_eta
        if sampling.mirostat == 2:
            return lib.llama_sampler_init_mirostat_v2(self._seed, tau, eta)
        return lib.llama_sampler_init_mirostat(
            self._model.size, self._seed, tau, eta, _MIROSTAT_TOKENS
        )


def _bias(vocabulary: int, biases: Sequence[tuple[int, float]]) -> Any:
    """A link that adds to the logits of some tokens; it keeps a copy of its own."""
    array = (lib.llama_logit_bias * len(biases))()
    for entry, (token, bias) in zip(array, biases, strict=True):
        entry.token, entry.bias = token, bias
    return lib.llama_sampler_init_logit_bias(vocabulary, len(biases), array)
