"""The engine's checks on itself: that the scheduler's books say what llama.cpp says.

They are on where ``COUNCIL_BACKEND_AUDIT`` is set, as in tests, and cost some microseconds a step.
A worker that fails one ends, as it does when llama.cpp fails, instead of sending wrong tokens.
"""

from __future__ import annotations

import os
from collections.abc import Collection

from backend.engine.llama import Context
from backend.engine.plan import Plan
from backend.engine.scheduler import Scheduler

_SWITCH = "COUNCIL_BACKEND_AUDIT"


class AuditError(Exception):
    """A promise of the scheduler is broken."""


class Audit:
    """Looks at each step before it is decoded."""

    def __init__(self, scheduler: Scheduler, context: Context) -> None:
        """Takes what is compared."""
        self._scheduler = scheduler
        self._context = context
        self._on = bool(os.environ.get(_SWITCH))

    def check(self, plan: Plan, requests: Collection[int]) -> None:
        """Looks at a plan whose edits have been carried out.

        Args:
            plan: What is decoded next.
            requests: Those that are not over.

        Raises:
            AuditError: The text says what is wrong.
        """
        if self._on:
            self._requests(plan, requests)
            self._cells(plan)

    def _requests(self, plan: Plan, requests: Collection[int]) -> None:
        scheduler = self._scheduler
        known = [*(chunk.job for chunk in plan.chunks), *plan.followers, *plan.resting]
        _require(len(set(known)) == len(known) == scheduler.active, "each has one place in it")
        _require(plan.serves <= set(requests), "who is served has not ended")
        _require(scheduler.active + scheduler.queued == len(requests), "none is lost")
        _require(bool(requests) or scheduler.live_cells == 0, "none means no cell in use")

    def _cells(self, plan: Plan) -> None:
        scheduler, limits = self._scheduler, self._context.limits
        fresh = sum(len(chunk.tokens) for chunk in plan.chunks)
        _require(fresh <= limits.batch, "a batch holds the step")
        _require(scheduler.held + fresh <= limits.cells, "the cells hold the step")
        for seq in range(limits.sequences):
            books, context = scheduler.stored(seq), self._context.stored(seq)
            _require(books == context, f"sequence {seq} holds {books} tokens, not {context}")
        for chunk in plan.chunks:
            _require(chunk.start == scheduler.stored(chunk.seq), "chunks go on where others ended")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise AuditError(f"broken: {what}")
