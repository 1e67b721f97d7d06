"""Which tokens to decode next: the policy as the engine's loop sees it.

Pure policy: no model, no clock, no input or output, so that thousands of schedules can be tried in
a second. One step is ``plan`` (carry out its edits, decode its chunks), then ``decoded``, then for
each chunk that asked for a token ``extend`` or ``release``.

The rules are in the parts: ``admission`` (who gets a sequence), ``matching`` (shared beginnings),
``batches`` (what one decode holds), ``eviction`` (who gives up cells). Together they promise that a
request is over after at most twice as many steps as it and all that came before it have tokens, and
that no answer waits for more than one step of prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backend.engine.admission import admit
from backend.engine.batches import fill
from backend.engine.cells import Ledger, common_length
from backend.engine.eviction import make_room
from backend.engine.jobs import Board, Job
from backend.engine.matching import fork
from backend.engine.plan import Chunk, Edit, Limits, Plan

_GROWTH = 32
"""Cells added to a promise that an answer has used up."""


class Scheduler:
    """The requests of one context, from their arrival to their release."""

    def __init__(self, limits: Limits) -> None:
        """Starts with an empty context.

        Raises:
            ValueError: A decode could not hold one token of each sequence.
        """
        if limits.batch < limits.sequences:
            raise ValueError(f"a batch of {limits.batch} is too small for {limits.sequences}")
        self._board = Board(limits, Ledger(limits.sequences, divided=limits.divided))
        self._jobs: dict[int, Job] = {}
        self._arrivals = 0

    @property
    def active(self) -> int:
        """Requests that hold a sequence."""
        return len(self._board.live)

    @property
    def queued(self) -> int:
        """Requests that wait for a sequence."""
        return len(self._board.queue)

    @property
    def held(self) -> int:
        """Cells in use, of idle sequences too."""
        return self._board.ledger.held

    @property
    def live_cells(self) -> int:
        """Cells in use by requests; none when there are none."""
        return self._board.ledger.live

    @property
    def preempted(self) -> int:
        """Times a request stepped back."""
        return self._board.preempted

    @property
    def longest_wait(self) -> int:
        """Most steps a request has waited for its first sequence, the waiting included."""
        board = self._board
        # The queue is in order of arrival: the first one that never ran has waited longest.
        since = next((job.since for job in board.queue if not job.started), board.steps)
        return max(board.longest_wait, board.steps - since)

    def cached(self, job: int) -> int:
        """Prompt tokens of a request that were taken from a cache."""
        return self._jobs[job].cached or 0

    def stored(self, seq: int) -> int:
        """Tokens that a sequence holds."""
        return self._board.ledger.length(seq)

    def submit(self, job: int, prompt: Sequence[int], limit: int, *, fresh: bool = False) -> None:
        """Queues a request.

        Args:
            job: A number not in use.
            prompt: Its tokens, at least one.
            limit: Most tokens, prompt and answer, that it will have; no more than fit a sequence.
            fresh: When it starts alone, it starts from an empty context, so that what it computes
                does not depend on what came before.

        Raises:
            ValueError: It could never be served.
        """
        board = self._board
        if not 0 < len(prompt) < limit <= board.limits.longest or job in self._jobs:
            raise ValueError(f"request {job}: {len(prompt)} tokens, limit {limit}")
        self._jobs[job] = Job(job, self._arrivals, list(prompt), limit, fresh, board.steps)
        self._arrivals += 1
        board.queue.append(self._jobs[job])
        board.changed = True

    def extend(self, job: int, token: int) -> None:
        """A request goes on with this token."""
        found = self._jobs[job]
        found.tokens.append(token)
        if len(found.tokens) > found.reserved:
            found.reserved = min(found.limit, len(found.tokens) + _GROWTH)

    def release(self, job: int) -> None:
        """A request is done or cancelled, at any stage; unknown ones are ignored."""
        found = self._jobs.pop(job, None)
        if found is None:
            return
        self._board.changed = True
        if found.seq is None:
            self._board.queue.remove(found)
        else:
            self._board.stop(found)

    def plan(self) -> Plan:
        """Decides the next step; without chunks when there is nothing to do."""
        board = self._board
        fork(board)
        admit(board)
        chunks = fill(board)
        while board.ledger.held + sum(len(chunk.tokens) for chunk in chunks) > board.limits.cells:
            make_room(board)
            chunks = fill(board)
        edits, board.edits = board.edits, []
        return Plan(tuple(edits), tuple(chunks), *self._without(chunks))

    def decoded(self, plan: Plan) -> None:
        """The chunks of a plan are stored."""
        self._board.steps += 1
        self._board.answers_due = plan.reads
        for chunk in plan.chunks:
            self._board.ledger.append(chunk.seq, chunk.tokens)

    def _without(self, chunks: Sequence[Chunk]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Those that wait for what these chunks store, and those that have no part in the step."""
        served = {chunk.job for chunk in chunks}
        others = [job for job in self._board.live if job.id not in served]
        followers = tuple(job.id for job in others if job.root.id in served)
        return followers, tuple(job.id for job in others if job.root.id not in served)

    def no_room(self) -> int | None:
        """The context found no cells although the books have some: gives up something.

        Returns:
            The one request that is left and still cannot be served, if it has come to that.
        """
        board = self._board
        if not board.ledger.idle() and len(board.live) == 1:
            return board.live[0].id
        make_room(board)
        return None

    # what a cache outside of the context needs

    @property
    def free_cells(self) -> int:
        """Cells that no request uses; idle sequences may have to go for them."""
        return self._board.limits.cells - self._board.ledger.live

    def idle(self) -> list[int]:
        """Sequences that hold tokens and that no request works in, the longest unused first."""
        return self._board.ledger.idle()

    def tokens(self, seq: int) -> list[int]:
        """The tokens stored for a sequence; not to be changed."""
        return self._board.ledger.tokens(seq)

    def known(self, tokens: list[int]) -> int:
        """How many of the first tokens are stored, or about to be."""
        board = self._board
        stored = [board.ledger.tokens(seq) for seq in range(board.limits.sequences)]
        coming = [job.tokens for job in self._jobs.values()]
        return max((common_length(tokens, other) for other in [*stored, *coming]), default=0)

    def vacate(self, length: int) -> tuple[int | None, tuple[Edit, ...]]:
        """An empty sequence and cells for so many tokens, of which idle ones are made to go.

        Returns:
            The sequence, None when there is not enough; and what is to be edited before it is used.
        """
        board = self._board
        if length > min(self.free_cells, board.limits.longest):
            return None, ()
        if len(board.live) == board.limits.sequences:
            return None, ()
        while not board.ledger.empty() or board.ledger.held + length > board.limits.cells:
            board.forget(board.ledger.idle()[0])
        edits, board.edits = board.edits, []
        return board.ledger.empty()[0], tuple(edits)

    def revived(self, seq: int, tokens: Sequence[int]) -> None:
        """An empty sequence has got its tokens from elsewhere; it is idle now."""
        self._board.ledger.append(seq, tokens)
        self._board.changed = True

    def on_eviction(self, tell: Callable[[int, list[int]], None]) -> None:
        """From now on ``tell`` is called with idle sequences that are about to be forgotten."""
        self._board.on_eviction = tell

    def lost(self, seq: int) -> None:
        """The context could not cut a sequence in part: all of it has to be computed again."""
        self._board.forget(seq)
