"""The requests of one context, and what the parts of the policy know of them together."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from backend.engine.cells import Ledger
from backend.engine.plan import Copy, Edit, Keep, Limits


@dataclass(eq=False, slots=True)
class Job:
    """One request.

    Attributes:
        id: The caller's number for it.
        arrival: Its place in the order of all requests.
        tokens: Prompt and answer, as far as known.
        limit: Most tokens it will have.
        fresh: Whether it starts from an empty context when it is alone.
        since: The step at which it came.
        reserved: Tokens it has been promised room for.
        seq: Its sequence; None while it waits for one.
        leader: Another request that is computing a beginning of this one, which waits for it.
        promised: Length of that beginning.
        cached: Prompt tokens taken from a cache; None before its first start.
        started: Whether it has ever had a sequence.
        prompt: Length of the prompt.
    """

    id: int
    arrival: int
    tokens: list[int]
    limit: int
    fresh: bool
    since: int
    reserved: int = 0
    seq: int | None = None
    leader: Job | None = None
    promised: int = 0
    cached: int | None = None
    started: bool = False
    prompt: int = field(init=False)

    def __post_init__(self) -> None:
        self.prompt = len(self.tokens)

    @property
    def root(self) -> Job:
        """The request whose part in a decode this one waits for: itself where it has no leader."""
        return self if self.leader is None else self.leader.root


@dataclass(slots=True)
class Board:
    """All requests, the books of their cells, and the edits that are due.

    Attributes:
        limits: What the context can do.
        ledger: The books.
        queue: Requests that wait for a sequence, in order of arrival.
        live: Requests that have one, in order of admission.
        edits: Changes of the books that the context has not seen.
        changed: Whether admission could end differently than when it was last tried.
        steps: Decodes done.
        answers_due: Whether the last decode was of prompts.
        preempted: Times a request stepped back.
        longest_wait: Most steps that a request, now started, had to wait for its first sequence.
        on_eviction: Told of an idle sequence and its tokens while the context still has them.
    """

    limits: Limits
    ledger: Ledger
    queue: list[Job] = field(default_factory=list)
    live: list[Job] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    changed: bool = False
    steps: int = 0
    answers_due: bool = False
    preempted: int = 0
    longest_wait: int = 0
    on_eviction: Callable[[int, list[int]], None] | None = None

    def stored(self, job: Job) -> int:
        """How many tokens of a request are in the cache."""
        return 0 if job.seq is None else self.ledger.length(job.seq)

    def rest(self, job: Job) -> int:
        """How many of its known tokens are not in the cache; one when it is answering."""
        return len(job.tokens) - self.stored(job)

    def start(self, job: Job, seq: int) -> None:
        """Gives a request its sequence; what is stored there becomes live."""
        job.seq = seq
        self.ledger.set_live(seq, True)
        self.live.append(job)
        if not job.started:
            job.started = True
            self.longest_wait = max(self.longest_wait, self.steps - job.since)

    def step_back(self, job: Job) -> int:
        """Takes a request's sequence away and queues it in its old place; the idle sequence."""
        assert job.seq is not None
        seq = self.stop(job)
        bisect.insort(self.queue, job, key=lambda waiting: waiting.arrival)
        self.preempted += 1
        return seq

    def stop(self, job: Job) -> int:
        """Takes a request's sequence away, which becomes idle, or empty where none is shared."""
        assert job.seq is not None
        seq = job.seq
        self.live.remove(job)
        self.ledger.set_live(seq, False)
        if not self.limits.share:
            self.forget(seq)
        job.seq, job.leader, job.promised = None, None, 0
        return seq

    def forget(self, seq: int) -> None:
        """Empties a sequence."""
        self.keep(seq, 0)

    def keep(self, seq: int, length: int) -> None:
        """Forgets all but the first tokens of a sequence."""
        if self.ledger.length(seq) > length:
            self._tell_of_eviction(seq)
            self.ledger.keep(seq, length)
            self.edits.append(Keep(seq, length))

    def _tell_of_eviction(self, seq: int) -> None:
        """Only of what the context holds by now, not of a copy that is still to be made there."""
        due = any(
            (edit.target if isinstance(edit, Copy) else edit.seq) == seq for edit in self.edits
        )
        if self.on_eviction is not None and not due and seq in self.ledger.idle():
            self.on_eviction(seq, self.ledger.tokens(seq))

    def copy(self, source: int, target: int, length: int) -> None:
        """Shares the first tokens of a sequence with an empty one."""
        self.ledger.copy(source, target, length)
        self.edits.append(Copy(source, target, length))

    def move(self, source: int, target: int) -> None:
        """Has an empty sequence hold what an idle one holds, which is empty then."""
        self.copy(source, target, self.ledger.length(source))
        self.ledger.replace(source, target)
        self.edits.append(Keep(source, 0))


def sequences(jobs: Iterable[Job]) -> list[int]:
    """The sequences of requests that have one."""
    return [job.seq for job in jobs if job.seq is not None]
