"""Which tokens to decode next: admission, batching, prefix sharing and preemption.

Pure policy: no model, no clock, no input or output, so that thousands of schedules can be tried in
a second. One step is ``plan`` (carry out its edits, decode its chunks), then ``decoded``, then for
each chunk that asked for a token ``extend`` or ``release``.

The rules:

- Requests are admitted in the order they came, while a sequence is free and what is promised to all
  (prompt, and a fair share of room to answer, shared beginnings counted once) fits the cells.
- A step has one token for each request that is answering, then parts of prompts in equal shares,
  fewer while somebody is answering, so that a long prompt does not silence the others.
- A prompt whose beginning is stored, by a live or an idle sequence, shares those cells. When the
  beginning is still being computed for another request, it waits for that one and shares then.
- When cells run out all the same, idle sequences go first, then the newest request steps back into
  the queue. Its tokens stay known and are computed again later. The oldest never steps back, so
  everyone is served in the end.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field

from backend.engine.cells import Ledger, common_length
from backend.engine.plan import Chunk, Copy, Edit, Keep, Limits, Plan, split_evenly

_LEAST_ANSWER = 256
"""Cells promised for an answer at admission, at least; more are given while there is room."""
_GROWTH = 32
"""Cells added to a promise that an answer has used up."""
_WORTH_WAITING = 16
"""Tokens that another request must be about to store to make waiting for it worth while."""


@dataclass(eq=False, slots=True)
class _Job:
    id: int
    arrival: int
    tokens: list[int]
    limit: int
    fresh: bool
    reserved: int = 0
    seq: int | None = None
    leader: _Job | None = None
    promised: int = 0
    cached: int | None = None
    prompt: int = field(init=False)

    def __post_init__(self) -> None:
        self.prompt = len(self.tokens)


@dataclass(frozen=True, slots=True)
class _Match:
    """A beginning that a job shares with a sequence; ``leader`` when it is still being computed."""

    seq: int | None = None
    length: int = 0
    leader: _Job | None = None


class Scheduler:
    """The requests of one context, from their arrival to their release."""

    def __init__(self, limits: Limits) -> None:
        """Starts with an empty context.

        Raises:
            ValueError: A decode could not hold one token of each sequence.
        """
        if limits.batch < limits.sequences:
            raise ValueError(f"a batch of {limits.batch} is too small for {limits.sequences}")
        self._limits = limits
        self._ledger = Ledger(limits.sequences)
        self._queue: list[_Job] = []
        self._live: list[_Job] = []
        self._jobs: dict[int, _Job] = {}
        self._edits: list[Edit] = []
        self._arrivals = 0
        self._changed = False
        self.preempted = 0

    @property
    def active(self) -> int:
        """Requests that hold a sequence."""
        return len(self._live)

    @property
    def queued(self) -> int:
        """Requests that wait for a sequence."""
        return len(self._queue)

    def cached(self, job: int) -> int:
        """Prompt tokens of a request that were taken from a cache."""
        return self._jobs[job].cached or 0

    def submit(self, job: int, prompt: Sequence[int], limit: int, *, fresh: bool = False) -> None:
        """Queues a request.

        Args:
            job: A number not in use.
            prompt: Its tokens, at least one.
            limit: Most tokens, prompt and answer, that it will have; at most all cells.
            fresh: When it starts alone, it starts from an empty context, so that what it computes
                does not depend on what came before.

        Raises:
            ValueError: It could never be served.
        """
        if not 0 < len(prompt) < limit <= self._limits.cells or job in self._jobs:
            raise ValueError(f"request {job}: {len(prompt)} tokens, limit {limit}")
        self._jobs[job] = _Job(job, self._arrivals, list(prompt), limit, fresh)
        self._arrivals += 1
        self._queue.append(self._jobs[job])
        self._changed = True

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
        self._changed = True
        if found.seq is None:
            self._queue.remove(found)
            return
        self._live.remove(found)
        self._ledger.set_live(found.seq, False)
        if not self._limits.share:
            self._forget(found.seq)
        found.seq = None

    def plan(self) -> Plan:
        """Decides the next step; without chunks when there is nothing to do."""
        self._fork()
        self._admit()
        chunks = self._fill()
        while self._ledger.held + sum(len(chunk.tokens) for chunk in chunks) > self._limits.cells:
            self._make_room()
            self._fork()
            chunks = self._fill()
        edits, self._edits = self._edits, []
        return Plan(tuple(edits), tuple(chunks))

    def decoded(self, plan: Plan) -> None:
        """The chunks of a plan are stored."""
        for chunk in plan.chunks:
            self._ledger.append(chunk.seq, chunk.tokens)

    def no_room(self) -> int | None:
        """The context found no cells although the books have some: gives up something.

        Returns:
            The one request that is left and still cannot be served, if it has come to that.
        """
        if not self._ledger.idle() and len(self._live) == 1:
            return self._live[0].id
        self._make_room()
        return None

    def lost(self, seq: int) -> None:
        """The context could not cut a sequence in part: all of it has to be computed again."""
        self._forget(seq)

    # admission

    def _admit(self) -> None:
        if not self._changed:
            return
        while self._queue and self._place(self._queue[0]):
            del self._queue[0]
        self._changed = False

    def _place(self, job: _Job) -> bool:
        """Gives a request a sequence, unless it has to wait."""
        if len(self._live) == self._limits.sequences:
            return False
        alone = job.fresh and not self._live
        match = _Match() if alone else self._match(job, self._live)
        job.reserved = self._reservation(job)
        revived = 0
        if match.seq is not None:
            revived = self._ledger.not_live(match.seq, match.length)
        if self._committed() + job.reserved - match.length + revived > self._limits.cells:
            return False
        if alone:
            self._forget_idle()
        job.seq = self._take_sequence(match)
        self._ledger.set_live(job.seq, True)
        self._live.append(job)
        self._adopt(job, match)
        return True

    def _reservation(self, job: _Job) -> int:
        """What a request is promised: an equal part of all cells, more for a long prompt.

        Not its whole limit: a client that always allows thousands of tokens would have the context
        to itself. Most answers are shorter, and ``_make_room`` takes care of those that are not.
        """
        equal_part = self._limits.cells // self._limits.sequences
        return min(job.limit, max(equal_part, len(job.tokens) + _LEAST_ANSWER))

    def _committed(self) -> int:
        """Cells in live use, and those promised but not yet used."""
        promised = 0
        for job in self._live:
            promised += job.reserved - max(self._stored(job), job.promised)
        return self._ledger.live + promised

    def _stored(self, job: _Job) -> int:
        return 0 if job.seq is None else self._ledger.length(job.seq)

    def _take_sequence(self, match: _Match) -> int:
        """A sequence for a new request: the matched one itself where nothing of value is lost."""
        idle = self._ledger.idle()
        if match.seq in idle and self._ledger.length(match.seq) == match.length:
            return match.seq
        if empty := self._ledger.empty():
            return empty[0]
        spare = [seq for seq in idle if seq != match.seq]
        if not spare:
            return idle[0]
        self._forget(spare[0])
        return spare[0]

    # prefix sharing

    def _match(self, job: _Job, others: Sequence[_Job]) -> _Match:
        """The longest beginning this request shares, stored already or about to be."""
        if not self._limits.share:
            return _Match()
        most = len(job.tokens) - 1  # the last token is always decoded: its logits are needed
        stored, coming = _Match(), _Match()
        for seq in [*self._ledger.idle(), *(other.seq for other in self._live)]:
            if seq is None or seq == job.seq:
                continue
            length = min(most, common_length(job.tokens, self._ledger.tokens(seq)))
            if length > stored.length:
                stored = _Match(seq, length)
        for other in others:
            length = min(most, common_length(job.tokens, other.tokens))
            if length > coming.length:
                coming = _Match(None, length, other)
        return coming if coming.length >= stored.length + _WORTH_WAITING else stored

    def _adopt(self, job: _Job, match: _Match) -> None:
        """Starts a placed request on what it shares."""
        assert job.seq is not None
        job.leader, job.promised = match.leader, 0
        if match.leader is not None:
            job.promised = match.length
            return
        if match.seq == job.seq:
            self._keep(job.seq, match.length)
        elif match.seq is not None:
            self._copy(match.seq, job.seq, match.length)
        if job.cached is None:
            job.cached = min(match.length, job.prompt)

    def _fork(self) -> None:
        """Starts the requests that waited for a beginning, once it is stored or will not be."""
        for position, job in enumerate(self._live):
            leader = job.leader
            if leader is None:
                continue
            if leader.seq is None:
                working = [other for other in self._live if other.leader is None]
                self._adopt(job, self._match(job, working + self._live[:position]))
            elif self._ledger.length(leader.seq) >= job.promised:
                self._adopt(job, _Match(leader.seq, job.promised))

    # batches

    def _fill(self) -> list[Chunk]:
        ready = [job for job in self._live if job.leader is None]
        needs = [len(job.tokens) - self._stored(job) for job in ready]
        answering = needs.count(1)
        room = self._limits.batch - answering
        if answering:
            room = min(room, self._limits.busy_batch)
        parts = iter(split_evenly([need for need in needs if need > 1], room))
        sizes = [1 if need == 1 else next(parts) for need in needs]
        return [self._chunk(job, size) for job, size in zip(ready, sizes, strict=True) if size]

    def _chunk(self, job: _Job, size: int) -> Chunk:
        assert job.seq is not None
        start = self._stored(job)
        tokens = tuple(job.tokens[start : start + size])
        return Chunk(job.id, job.seq, start, tokens, start + size == len(job.tokens))

    # room

    def _make_room(self) -> None:
        """Forgets the longest unused idle sequence; when there is none, the newest steps back."""
        if idle := self._ledger.idle():
            self._forget(idle[0])
            return
        newest = max(self._live, key=lambda job: job.arrival)
        assert newest.seq is not None
        self._live.remove(newest)
        self._ledger.set_live(newest.seq, False)
        self._forget(newest.seq)
        newest.seq, newest.leader, newest.promised = None, None, 0
        bisect.insort(self._queue, newest, key=lambda job: job.arrival)
        self.preempted += 1

    def _forget_idle(self) -> None:
        for seq in self._ledger.idle():
            self._forget(seq)

    def _forget(self, seq: int) -> None:
        self._keep(seq, 0)

    def _keep(self, seq: int, length: int) -> None:
        if self._ledger.length(seq) > length:
            self._ledger.keep(seq, length)
            self._edits.append(Keep(seq, length))

    def _copy(self, source: int, target: int, length: int) -> None:
        self._ledger.copy(source, target, length)
        self._edits.append(Copy(source, target, length))
