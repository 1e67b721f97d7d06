"""Vectors of texts compared by their angle: pure arithmetic, no library of numbers needed."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from itertools import combinations

Vector = Sequence[float]
"""What an embedder makes of a text."""


def cosine(left: Vector, right: Vector) -> float:
    """The cosine of the angle between two vectors, -1 to 1; 0 where one has no length.

    Raises:
        ValueError: They have different numbers of dimensions, so no angle is defined.
    """
    return _dot(unit(left), unit(right))


def min_pairwise_cosine(vectors: Sequence[Vector]) -> float | None:
    """The cosine of the two vectors furthest apart; None for fewer than two."""
    units = [unit(vector) for vector in vectors]
    return min((_dot(left, right) for left, right in combinations(units, 2)), default=None)


def unit(vector: Vector) -> Vector:
    """The vector with length 1, or all zeros where it has none."""
    largest = max(map(abs, vector), default=0.0)
    if largest == 0.0:
        return [0.0] * len(vector)
    # Scaled first: the squares of very large or small parts would leave the range of floats.
    scaled = [part / largest for part in vector]
    length = math.sqrt(math.fsum(part * part for part in scaled))
    return [part / length for part in scaled]


def _dot(left: Vector, right: Vector) -> float:
    if len(left) != len(right):
        raise ValueError(f"vectors of {len(left)} and {len(right)} dimensions have no angle")
    # Rounding may leave the range by a hair, and a threshold of 1.0 has to be reachable.
    return max(-1.0, min(1.0, math.fsum(map(operator.mul, left, right))))
