"""The shape of a model, readable without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelConfig:
    """Shape of a model.

    Attributes:
        vocabulary: Number of token ids.
        width: Size of the residual stream; a multiple of 32, as Q8_0 rows demand.
        layers: Number of blocks.
        heads: Attention heads per block; ``width / heads`` must be even.
        hidden: Size of the gated layer; a multiple of 32.
        context: Longest sequence, in tokens.
        rope_base: Base of the rotary frequencies.
        norm_epsilon: Added to the mean square before its root is taken.
    """

    vocabulary: int = 2560
    width: int = 128
    layers: int = 4
    heads: int = 4
    hidden: int = 352
    context: int = 512
    rope_base: float = 10_000.0
    norm_epsilon: float = 1e-5
