"""Muon for matrices in single precision, AdamW for everything else.

Muon replaces the momentum of a matrix by the nearest matrix whose singular values
are all about one. On these models it needs about half the steps AdamW needs.
PyTorch's own version works in bfloat16, which most desktop processors emulate
slowly; this one works in single precision and treats equal shapes as one stack.
"""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor, nn

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Quintic that drives singular values towards one in a few rounds."""


def orthogonalize(stack: Tensor, rounds: int = 5) -> Tensor:
    """Bring all singular values of some matrices close to one.

    Args:
        stack: Shape (count, rows, columns).
        rounds: Newton-Schulz iterations.

    Returns:
        Shape (count, rows, columns).
    """
    tall = stack.shape[1] > stack.shape[2]
    x = stack.transpose(1, 2) if tall else stack
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(rounds):
        square = x @ x.transpose(1, 2)
        x = a * x + (b * square + c * square @ square) @ x
    result: Tensor = x.transpose(1, 2) if tall else x
    return result


class Muon:
    """Momentum with orthogonalized updates, for two-dimensional weights."""

    def __init__(self, matrices: list[nn.Parameter], momentum: float = 0.95) -> None:
        """Remember the matrices, grouped by shape.

        Args:
            matrices: The parameters to train.
            momentum: Decay of the running mean of the gradients.
        """
        groups: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
        for matrix in matrices:
            groups[matrix.shape].append(matrix)
        self._groups = list(groups.values())
        self._means = [torch.zeros(len(g), *g[0].shape) for g in self._groups]
        self._momentum = momentum

    @torch.no_grad()
    def step(self, rate: float, decay: float) -> None:
        """Update every matrix from its gradient.

        Args:
            rate: Learning rate.
            decay: Weight decay per unit of learning rate.
        """
        for group, mean in zip(self._groups, self._means, strict=True):
            gradient = torch.stack([p.grad for p in group if p.grad is not None])
            mean.lerp_(gradient, 1 - self._momentum)
            update = orthogonalize(gradient.lerp(mean, self._momentum))
            scale = max(1.0, mean.shape[1] / mean.shape[2]) ** 0.5
            for matrix, change in zip(group, update, strict=True):
                matrix.mul_(1 - rate * decay).sub_(change, alpha=rate * scale)


class Optimizer:
    """Both optimizers behind one learning-rate factor."""

    def __init__(self, model: nn.Module, matrix_rate: float, other_rate: float) -> None:
        """Split the model's parameters between the two.

        Args:
            model: The model to train.
            matrix_rate: Peak learning rate of Muon.
            other_rate: Peak learning rate of AdamW (embedding and norms).
        """
        named = list(model.named_parameters())
        matrices = [p for name, p in named if p.dim() == 2 and "embedding" not in name]
        others = [p for name, p in named if p.dim() != 2 or "embedding" in name]
        self._muon = Muon(matrices)
        self._adam = torch.optim.AdamW(others, lr=other_rate, betas=(0.9, 0.98), weight_decay=0.0)
        self._matrix_rate, self._other_rate = matrix_rate, other_rate
        self._parameters = [p for _, p in named]

    def step(self, factor: float, decay: float = 0.01) -> None:
        """Update all parameters and clear their gradients.

        Args:
            factor: Learning rate relative to its peak, 0..1.
            decay: Weight decay of the matrices.
        """
        for group in self._adam.param_groups:
            group["lr"] = self._other_rate * factor
        self._adam.step()
        self._muon.step(self._matrix_rate * factor, decay)
        for parameter in self._parameters:
            parameter.grad = None
