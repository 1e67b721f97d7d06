"""What the scheduler decides, in the words that the rest of the engine understands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a context can do.

    Attributes:
        cells: KV cells.
        sequences: Sequences.
        batch: Most tokens in one decode.
        busy_batch: Most prompt tokens in a decode that also carries answers on.
        share: Whether sequences can be copied and cut in part, which sharing prefixes needs.
    """

    cells: int
    sequences: int
    batch: int
    busy_batch: int
    share: bool


@dataclass(frozen=True, slots=True)
class Keep:
    """Forget all but the first ``length`` tokens of a sequence."""

    seq: int
    length: int


@dataclass(frozen=True, slots=True)
class Copy:
    """Share the first ``length`` tokens of ``source`` with the empty sequence ``target``."""

    source: int
    target: int
    length: int


Edit = Keep | Copy


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens to decode for one request, at positions from ``start``.

    ``sample`` is true when they are the last that are known, so that the next one can be chosen.
    """

    job: int
    seq: int
    start: int
    tokens: tuple[int, ...]
    sample: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """One step: the edits in their order, then all chunks in one decode."""

    edits: tuple[Edit, ...]
    chunks: tuple[Chunk, ...]


def split_evenly(needs: Sequence[int], room: int) -> list[int]:
    """Equal shares of the room; what a small need leaves goes to the others."""
    shares = [0] * len(needs)
    order = sorted(range(len(needs)), key=needs.__getitem__)
    for rank, index in enumerate(order):
        shares[index] = min(needs[index], room // (len(order) - rank))
        room -= shares[index]
    return shares
