"""A llama-architecture language model in plain PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from examples.tiny_experts.shape import ModelConfig


def rotary_table(config: ModelConfig) -> tuple[Tensor, Tensor]:
    """Compute the rotary angles.

    Args:
        config: Shape of the model.

    Returns:
        Cosines and sines, each of shape (context, head size / 2).
    """
    size = config.width // config.heads
    exponents = torch.arange(0, size, 2).float() / size
    angles = torch.outer(torch.arange(config.context).float(), config.rope_base**-exponents)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn neighbouring pairs of channels by their position's angle.

    llama.cpp pairs channel 2i with 2i + 1 for this architecture. Doing the same
    here spares the export the usual permutation of the weights.

    Args:
        x: Shape (batch, heads, length, head size).
        cos: Shape (length, head size / 2).
        sin: Shape (length, head size / 2).

    Returns:
        The rotated tensor, shaped like ``x``.
    """
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1)
    return turned.flatten(-2)


class RMSNorm(nn.Module):
    """Scale each vector to unit root mean square, then by learnt weights."""

    def __init__(self, width: int, epsilon: float) -> None:
        """Create the layer.

        Args:
            width: Size of the vectors.
            epsilon: Added to the mean square.
        """
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Normalize.

        Args:
            x: Shape (..., width).

        Returns:
            Shape (..., width).
        """
        return F.rms_norm(x, x.shape[-1:], self.weight, self.epsilon)


class Block(nn.Module):
    """Causal self-attention and a gated feed-forward layer, each added back."""

    def __init__(self, config: ModelConfig) -> None:
        """Create the block.

        Args:
            config: Shape of the model.
        """
        super().__init__()
        width, hidden = config.width, config.hidden
        self.heads = config.heads
        self.attention_norm = RMSNorm(width, config.norm_epsilon)
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.feed_norm = RMSNorm(width, config.norm_epsilon)
        self.gate = nn.Linear(width, hidden, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def _attend(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Mix each position with those before it."""
        batch, length, width = x.shape
        shape = (batch, length, self.heads, width // self.heads)
        layers = (self.query, self.key, self.value)
        q, k, v = (layer(x).view(shape).transpose(1, 2) for layer in layers)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        out: Tensor = self.attention_out(mixed.transpose(1, 2).reshape(batch, length, width))
        return out

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Apply the block.

        Args:
            x: Residual stream, shape (batch, length, width).
            cos: Rotary cosines, shape (length, head size / 2).
            sin: Rotary sines, shape (length, head size / 2).

        Returns:
            Shape (batch, length, width).
        """
        x = x + self._attend(self.attention_norm(x), cos, sin)
        y = self.feed_norm(x)
        out: Tensor = x + self.down(F.silu(self.gate(y)) * self.up(y))
        return out


class TinyLlama(nn.Module):
    """The whole model; the output layer shares the embedding's weights."""

    cos: Tensor
    sin: Tensor

    def __init__(self, config: ModelConfig) -> None:
        """Create the model with random weights.

        Args:
            config: Shape of the model.
        """
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.width, config.norm_epsilon)
        cos, sin = rotary_table(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self._initialize()

    def _initialize(self) -> None:
        """Draw small weights; layers that write to the residual stream start at zero."""
        for name, parameter in self.named_parameters():
            if name.endswith(("attention_out.weight", "down.weight")):
                nn.init.zeros_(parameter)
            elif parameter.dim() == 2:
                spread = 0.02 if "embedding" in name else parameter.shape[1] ** -0.5
                nn.init.normal_(parameter, std=spread)

    def forward(self, ids: Tensor, keep: Tensor) -> Tensor:
        """Predict the tokens that follow chosen positions.

        Args:
            ids: Token ids, shape (batch, length).
            keep: Positions to predict from, booleans of shape (batch, length).
                Leaving the others out of the output layer saves a tenth of the work.

        Returns:
            Logits, shape (number of kept positions, vocabulary).
        """
        x = self.embedding(ids)
        length = ids.shape[1]
        for block in self.blocks:
            x = block(x, self.cos[:length], self.sin[:length])
        return F.linear(self.norm(x[keep]), self.embedding.weight)


def parameter_count(model: nn.Module) -> int:
    """Count the weights.

    Args:
        model: The model.

    Returns:
        Number of scalar parameters, shared ones once.
    """
    return sum(parameter.numel() for parameter in model.parameters())
