"""How tokens are chosen, and what is told of those that were: the engine's part of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

SAMPLERS = (
    *("penalties", "dry", "top_n_sigma", "top_k", "typ_p"),
    *("top_p", "min_p", "xtc", "temperature"),
)
"""The steps between logits and the draw, in the order they have unless a request says otherwise."""

BOUNDS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "temperature": (0, 2),
        "top_k": (0, 1_000_000),
        "top_p": (0, 1),
        "min_p": (0, 1),
        "typical_p": (0, 1),
        "presence_penalty": (-2, 2),
        "frequency_penalty": (-2, 2),
        "repeat_penalty": (0.1, 10),
        "repeat_last_n": (-1, 1_000_000),
        "min_keep": (0, 1_000_000),
        "min_tokens": (0, 1_000_000),
        "top_n_sigma": (-1, 100),
        "xtc_probability": (0, 1),
        "xtc_threshold": (0, 1),
        "dynatemp_range": (0, 2),
        "dynatemp_exponent": (0, 10),
        "dry_multiplier": (0, 10),
        "dry_base": (1, 10),
        "dry_allowed_length": (0, 1_000_000),
        "dry_penalty_last_n": (-1, 1_000_000),
        "mirostat": (0, 2),
        "mirostat_tau": (0, 100),
        "mirostat_eta": (0, 1),
    }
)
"""What is sensible: outside of it logits become no numbers, or nothing is left to choose from."""

MOST_BREAKERS, LONGEST_BREAKER = 8, 40
"""Most of ``dry_sequence_breakers``, and how many bytes each may have."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen; ``BOUNDS`` has the limits.

    Attributes:
        temperature: 0 always takes the likeliest token; higher is more varied.
        top_k: Keep the k likeliest tokens; 0 keeps all.
        top_p: Keep the likeliest tokens that together have this probability.
        min_p: Drop tokens less likely than this fraction of the likeliest one.
        presence_penalty: Subtracted once from the logit of each token already generated.
        frequency_penalty: Subtracted for each time a token was already generated.
        typical_p: Keep the tokens whose surprise is nearest to what is expected, until together
            they have this probability; 1 keeps all.
        repeat_penalty: Divides the logit of each token already generated; 1 does nothing.
        seed: Start of the random sequence; None draws one.
        logit_bias: Tokens, and what is added to the logit of each.
        repeat_last_n: How many tokens of the answer the penalties look back; -1 for all of them.
        min_keep: Tokens that each cut leaves over at least.
        min_tokens: Before this many tokens the answer does not end by itself.
        top_n_sigma: Keep tokens whose logit is within so many standard deviations of the highest;
            0 or less keeps all.
        xtc_probability: How often the likeliest tokens are left out, all but the last of those
            that reach ``xtc_threshold``.
        xtc_threshold: See there; above 0.5 nothing is left out.
        dynatemp_range: The temperature goes this far down and up, with the entropy of the choice.
        dynatemp_exponent: How the entropy is bent into that range.
        dry_multiplier: Weight of the penalty on repeating a sequence of tokens; 0 for none.
        dry_base: What the penalty is multiplied with for each token more.
        dry_allowed_length: Sequences up to this many tokens may be repeated.
        dry_penalty_last_n: How many tokens of the answer are looked at; -1 for all of them.
        dry_sequence_breakers: Texts that no sequence goes across.
        mirostat: 1 or 2 keeps the surprise constant by that version of the algorithm, instead of
            cutting the unlikely off; 0 does not.
        mirostat_tau: The surprise it aims at, in bits.
        mirostat_eta: How fast it follows.
        samplers: The steps to take, in this order; None for ``SAMPLERS``.
    """

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    typical_p: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repeat_penalty: float = 1.0
    seed: int | None = None
    logit_bias: tuple[tuple[int, float], ...] = ()
    repeat_last_n: int = -1
    min_keep: int = 0
    min_tokens: int = 0
    top_n_sigma: float = -1.0
    xtc_probability: float = 0.0
    xtc_threshold: float = 0.1
    dynatemp_range: float = 0.0
    dynatemp_exponent: float = 1.0
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 2
    dry_penalty_last_n: int = -1
    dry_sequence_breakers: tuple[str, ...] = ("\n", ":", '"', "*")
    mirostat: int = 0
    mirostat_tau: float = 5.0
    mirostat_eta: float = 0.1
    samplers: tuple[str, ...] | None = None

    @classmethod
    def of(cls, **chosen: Any) -> Self:
        """What was chosen, and the defaults for all that is None or not there."""
        return cls(**{name: value for name, value in chosen.items() if value is not None})


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A token of an answer, and how likely it was.

    Attributes:
        id: Its number.
        piece: Its bytes, each as the character of that number (Latin-1): a token need not be whole
            characters.
        logprob: Natural logarithm of its probability among all tokens, before anything of
            ``Sampling``; -9999 for none.
        top: The likeliest tokens in its place, likeliest first: piece, number, logprob.
    """

    id: int
    piece: str
    logprob: float
    top: tuple[tuple[str, int, float], ...] = ()
