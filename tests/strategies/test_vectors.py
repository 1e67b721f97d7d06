"""Angles between vectors."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from council.strategies.vectors import cosine, min_pairwise_cosine

PARTS = st.floats(-1e300, 1e300, allow_nan=False)
PAIRS = st.integers(1, 8).flatmap(
    lambda n: st.tuples(
        st.lists(PARTS, min_size=n, max_size=n), st.lists(PARTS, min_size=n, max_size=n)
    )
)


@pytest.mark.parametrize(
    ("left", "right", "value"),
    [
        ([1, 0], [0, 1], 0.0),
        ([1, 2], [2, 4], 1.0),
        ([1, 2], [-1, -2], -1.0),
        ([1, 0], [1, 1], math.sqrt(0.5)),
        ([0, 0], [1, 1], 0.0),
        ([0, 0], [0, 0], 0.0),
        ([1e300, 1e300], [1e300, 1e300], 1.0),
        ([1e-200, 0], [1e-200, 0], 1.0),
        ([], [], 0.0),
    ],
)
def test_cosine(left: list[float], right: list[float], value: float) -> None:
    assert cosine(left, right) == pytest.approx(value)


def test_vectors_of_different_lengths_have_no_angle() -> None:
    with pytest.raises(ValueError, match="2 and 3 dimensions"):
        cosine([1, 2], [1, 2, 3])


@given(PAIRS)
def test_a_cosine_is_a_cosine(pair: tuple[list[float], list[float]]) -> None:
    left, right = pair
    value = cosine(left, right)
    assert -1.0 <= value <= 1.0
    assert value == cosine(right, left)
    assert cosine(left, left) == pytest.approx(1.0 if any(left) else 0.0)


def test_the_furthest_two() -> None:
    assert min_pairwise_cosine([]) is None
    assert min_pairwise_cosine([[1, 0]]) is None
    assert min_pairwise_cosine([[1, 0], [1, 0]]) == 1.0
    assert min_pairwise_cosine([[1, 0], [1, 1], [0, 1]]) == 0.0
    assert min_pairwise_cosine([[1, 0], [1, 0], [0, 0]]) == 0.0
