"""Long beginnings that outlive a worker: states of sequences, brought to disk and back.

Belongs to the owner thread of a context; only writing is done elsewhere.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from backend.engine.cells import common_length
from backend.engine.llama import Context, LlamaError
from backend.engine.scheduler import Scheduler
from backend.engine.shelf import LEAST, Shelf

_PENDING = 2
"""States that may wait to be written; each can be as large as a sequence."""

Snapshot = tuple[list[int], bytes]


class SessionCache:
    """The sequences of one context, and a shelf."""

    QUIET = 1.0
    """Seconds without a request after which sequences are written."""

    def __init__(self, context: Context, scheduler: Scheduler, shelf: Shelf) -> None:
        """Starts the thread that writes."""
        self._context = context
        self._scheduler = scheduler
        self._shelf = shelf
        self._snapshots: queue.Queue[Snapshot | None] = queue.Queue(_PENDING)
        self._pending: dict[int, list[int]] = {}
        self._tried: dict[int, list[int]] = {}
        scheduler.on_eviction(self._evicted)
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def revive(self, tokens: list[int]) -> None:
        """Brings back what the shelf has of a prompt's beginning, if it is much more than is here.

        The sequence becomes an idle one, which the scheduler shares as any other.
        """
        least = self._scheduler.known(tokens) + LEAST
        if self._shelf.find(tokens) < least:
            return
        found = self._shelf.take(tokens, least, self._scheduler.free_cells)
        if found is None:
            return
        stored, state = found
        seq, edits = self._scheduler.vacate(len(stored))
        for edit in edits:
            if not self._context.apply(edit):
                raise LlamaError(f"the cache refused {edit}")
        if seq is None:
            return
        if self._context.restore(seq, state, len(stored)):
            self._scheduler.revived(seq, stored)
        else:
            # Or it would be read again for each request.
            self._shelf.remove(stored, "llama.cpp does not take its state")

    def save(self, until: Callable[[], bool]) -> bool:
        """Hands over what nobody has written yet, the sequence last used first.

        Never waits for the disk: a request that comes meanwhile must not.

        Args:
            until: Whether there is something better to do.

        Returns:
            Whether there may be more.
        """
        while not (until() or self._snapshots.full()):
            if not self._save_next():
                return False
        return True

    def close(self) -> None:
        """Writes all that is left."""
        while self._save_next():
            pass
        self._snapshots.put(None)
        self._writer.join()

    def _save_next(self) -> bool:
        """Hands over one sequence; False when none is left."""
        for seq in reversed(self._scheduler.idle()):
            tokens = self._scheduler.tokens(seq)
            if self._is_new(tokens) and self._snapshot(seq, tokens):
                return True
        return False

    def _evicted(self, seq: int, tokens: list[int]) -> None:
        """A sequence is about to be forgotten: its last chance, unless the disk is behind."""
        if self._is_new(tokens) and not self._snapshots.full():
            self._snapshot(seq, tokens)

    def _is_new(self, tokens: list[int]) -> bool:
        """Whether much of these tokens is neither on the shelf nor on its way there."""
        pending = max(
            (common_length(tokens, other) for other in [*self._pending.values()]), default=0
        )
        return len(tokens) - pending >= LEAST and self._shelf.wants(tokens)

    def _snapshot(self, seq: int, tokens: list[int]) -> bool:
        """Hands a sequence to the thread that writes; once, whatever becomes of it.

        Waits where the disk is slower than the sequences come.
        """
        kept = list(tokens)
        if self._tried.get(seq) == kept or self._context.stored(seq) != len(kept):
            return False
        self._tried[seq] = self._pending[id(kept)] = kept
        self._snapshots.put((kept, self._context.snapshot(seq)))
        return True

    def _write(self) -> None:
        while (snapshot := self._snapshots.get()) is not None:
            tokens, state = snapshot
            self._shelf.put(tokens, state)
            self._pending.pop(id(tokens), None)
