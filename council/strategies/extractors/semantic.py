"""The extractor `semantic`: answers that mean nearly the same, by the angles of their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

from pydantic import Field

from council.strategies.extractors.base import Extractor
from council.strategies.vectors import Vector, cosine, unit

_NAME_CHARACTERS = 80


class SemanticExtractor(Extractor):
    """Groups of answers of which every two are alike; needs the panel's `embedder`.

    Attributes:
        threshold: The cosine from which on two answers are alike. Each embedder has its own scale:
            0.85 is a beginning and no truth.
    """

    kind: Literal["semantic"] = "semantic"

    threshold: float = Field(0.85, gt=-1, le=1)


def clusters(vectors: Sequence[Vector], threshold: float) -> list[int]:
    """For each vector the number of its group, from 0 in the order of their first members.

    The two groups whose furthest members are nearest become one, as long as these are within the
    threshold: no chain of neighbours makes two opposites one position.
    """
    units = [unit(vector) for vector in vectors]
    groups = [[i] for i in range(len(units))]
    near = {pair: cosine(units[pair[0]], units[pair[1]]) for pair in _pairs(range(len(units)))}
    while len(groups) > 1:
        found = {
            (i, j): min(near[min(a, b), max(a, b)] for a in groups[i] for b in groups[j])
            for i, j in _pairs(range(len(groups)))
        }
        (i, j), nearest = max(found.items(), key=lambda item: item[1])
        if nearest < threshold:
            break
        groups[i] = sorted(groups[i] + groups.pop(j))
    groups.sort()
    return [next(n for n, group in enumerate(groups) if i in group) for i in range(len(units))]


def _pairs(places: Sequence[int]) -> list[tuple[int, int]]:
    return list(combinations(places, 2))


def names(texts: Sequence[str], groups: Sequence[int]) -> list[str]:
    """For each text the name of its group: its first member's beginning, no name twice."""
    named: dict[int, str] = {}
    for text, group in zip(texts, groups, strict=True):
        if group not in named:
            flat = " ".join(text.split())
            name = flat if len(flat) <= _NAME_CHARACTERS else f"{flat[: _NAME_CHARACTERS - 1]}…"
            named[group] = f"{name} ({group + 1})" if name in named.values() else name
    return [named[group] for group in groups]
