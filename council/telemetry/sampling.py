"""A request's knobs as attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from council.telemetry import names

if TYPE_CHECKING:
    from council.messages import Sampling


def knobs(sampling: Sampling) -> dict[str, Any]:
    """The knobs that are set."""
    known = {
        names.REQUEST_TEMPERATURE: sampling.temperature,
        names.REQUEST_TOP_P: sampling.top_p,
        names.REQUEST_TOP_K: sampling.top_k,
        names.REQUEST_PRESENCE_PENALTY: sampling.presence_penalty,
        names.REQUEST_FREQUENCY_PENALTY: sampling.frequency_penalty,
        names.REQUEST_MAX_TOKENS: sampling.max_tokens,
        names.REQUEST_SEED: sampling.seed,
        names.REQUEST_STOP: sampling.stop,
    }
    return {name: value for name, value in known.items() if value is not None}
