"""Who holds which cell of the KV cache: an exact copy, in Python, of llama.cpp's own books.

A sequence is a list of tokens, one cell each. A cell can belong to several sequences, when a prefix
was copied, unless each has cells of its own; it is free when none holds it. The scheduler decides
with these books, so that native code is never asked for what it would refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


class Tally:
    """Counts the holders of each cell; its length is the number of cells with any."""

    def __init__(self) -> None:
        """Starts with no cell held."""
        self._holders: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._holders)

    def __contains__(self, cell: int) -> bool:
        return cell in self._holders

    def add(self, cells: Iterable[int]) -> None:
        """One more holder for each cell."""
        holders = self._holders
        for cell in cells:
            holders[cell] = holders.get(cell, 0) + 1

    def remove(self, cells: Iterable[int]) -> None:
        """One holder fewer for each cell.

        Raises:
            KeyError: A cell had none.
        """
        holders = self._holders
        for cell in cells:
            if holders[cell] == 1:
                del holders[cell]
            else:
                holders[cell] -= 1


@dataclass(slots=True)
class _Row:
    tokens: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    live: bool = False
    used_at: int = 0


class Ledger:
    """The sequences of one context, by number from 0.

    A sequence is live (a request works in it), idle (kept because its tokens may be of use again)
    or empty.
    """

    def __init__(self, sequences: int, *, divided: bool = False) -> None:
        """Starts with empty sequences.

        Args:
            sequences: How many.
            divided: Whether each has cells of its own, so that none belongs to two.
        """
        self._divided = divided
        self._rows = [_Row() for _ in range(sequences)]
        self._held = Tally()
        self._live = Tally()
        self._next_cell = 0
        self._clock = 0

    @property
    def held(self) -> int:
        """Cells that are in use by live or idle sequences."""
        return len(self._held)

    @property
    def live(self) -> int:
        """Cells that are in use by live sequences."""
        return len(self._live)

    def tokens(self, seq: int) -> list[int]:
        """The tokens stored for a sequence; not to be changed."""
        return self._rows[seq].tokens

    def length(self, seq: int) -> int:
        """How many tokens are stored for a sequence."""
        return len(self._rows[seq].tokens)

    def empty(self) -> list[int]:
        """Sequences that are not live and hold nothing."""
        return [n for n, row in enumerate(self._rows) if not row.live and not row.tokens]

    def idle(self) -> list[int]:
        """Sequences that are not live but hold tokens, the longest unused first."""
        found = [n for n, row in enumerate(self._rows) if not row.live and row.tokens]
        return sorted(found, key=lambda n: self._rows[n].used_at)

    def union(self, seqs: Iterable[int]) -> int:
        """How many cells these sequences have together."""
        return len(set().union(*(self._rows[seq].cells for seq in seqs)))

    def not_live(self, seq: int, length: int) -> int:
        """How many of a sequence's first cells would become live if a request took them over."""
        return sum(cell not in self._live for cell in self._rows[seq].cells[:length])

    def set_live(self, seq: int, live: bool) -> None:
        """Marks a sequence as worked in, or not any more."""
        row = self._rows[seq]
        if live and not row.live:
            self._live.add(row.cells)
        elif row.live and not live:
            self._live.remove(row.cells)
        row.live = live
        self._clock += 1
        row.used_at = self._clock

    def append(self, seq: int, tokens: Sequence[int]) -> None:
        """Stores more tokens, in new cells."""
        row = self._rows[seq]
        self._hold(row, self._fresh(len(tokens)))
        row.tokens.extend(tokens)

    def keep(self, seq: int, length: int) -> None:
        """Forgets all but the first tokens of a sequence."""
        row = self._rows[seq]
        dropped = row.cells[length:]
        del row.cells[length:]
        del row.tokens[length:]
        self._held.remove(dropped)
        if row.live:
            self._live.remove(dropped)

    def copy(self, source: int, target: int, length: int) -> None:
        """Shares the first tokens of one sequence with another one, which has to be empty."""
        origin, row = self._rows[source], self._rows[target]
        if row.tokens or length > len(origin.tokens):
            raise ValueError(f"cannot copy {length} tokens from sequence {source} to {target}")
        self._hold(row, self._fresh(length) if self._divided else origin.cells[:length])
        row.tokens.extend(origin.tokens[:length])

    def replace(self, old: int, new: int) -> None:
        """Empties a sequence; the new one was last used when it was."""
        self._rows[new].used_at = self._rows[old].used_at
        self.keep(old, 0)

    def _fresh(self, count: int) -> range:
        first = self._next_cell
        self._next_cell += count
        return range(first, self._next_cell)

    def _hold(self, row: _Row, cells: Sequence[int]) -> None:
        row.cells.extend(cells)
        self._held.add(cells)
        if row.live:
            self._live.add(cells)


def common_length(first: Sequence[int], second: Sequence[int]) -> int:
    """Length of the common beginning, by bisection: comparing slices is fast."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
