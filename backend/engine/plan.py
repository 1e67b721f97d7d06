"""What the scheduler decides, in the words that the rest of the engine understands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a context can do.

    Attributes:
        cells: KV cells.
        sequences: Sequences.
        batch: Most tokens in one decode.
        busy_batch: Most prompt tokens in a decode that answers wait for.
        share: Whether sequences can be copied and cut in part, which sharing prefixes needs.
        divided: Whether each sequence has an equal part of the cells for itself; a copy is then as
            large as what is copied.
    """

    cells: int
    sequences: int
    batch: int
    busy_batch: int
    share: bool
    divided: bool = False

    @property
    def buffers(self) -> int:
        """How many parts the cells are in."""
        return self.sequences if self.divided else 1

    @property
    def longest(self) -> int:
        """Most cells that one sequence can have."""
        return self.cells // self.buffers


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
    """One step: the edits in their order, then all chunks in one decode.

    ``followers`` are requests that have no chunk because they wait for what others' chunks store;
    ``resting`` are those whose turn comes in a later step.
    """

    edits: tuple[Edit, ...]
    chunks: tuple[Chunk, ...]
    followers: tuple[int, ...] = ()
    resting: tuple[int, ...] = ()

    @property
    def reads(self) -> bool:
        """Whether it holds parts of prompts, and not the next tokens of answers."""
        return any(len(chunk.tokens) > 1 or not chunk.sample for chunk in self.chunks)

    @property
    def serves(self) -> frozenset[int]:
        """The requests that are worse off if the decode does not happen."""
        return frozenset(chunk.job for chunk in self.chunks).union(self.followers)
