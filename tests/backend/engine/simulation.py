"""A simulated engine: a cache that refuses what llama.cpp would not survive, and a model.

``Bench`` drives a scheduler as the engine's loop does and checks after every step what must never
happen: see ``Bench.step``.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from backend.engine.plan import Chunk, Copy, Keep, Limits, Plan
from backend.engine.scheduler import Scheduler

WORDS = 50
"""Different tokens."""


def after(state: int, token: int) -> int:
    """What the simulated model knows after one more token: it depends on every one before."""
    return hash((state, token))


def says(state: int) -> int:
    """The token it chooses."""
    return state % WORDS


class SimulatedCache:
    """A KV cache; each cell holds what the model knew when it was written.

    ``stolen`` cells are there by the books only, as with architectures that need others besides.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.sequences: list[list[tuple[int, int]]] = [[] for _ in range(limits.sequences)]
        self.holders: Counter[int] = Counter()
        self.used = 0
        self.stolen = 0
        self._written = 0

    def apply(self, plan: Plan) -> None:
        for edit in plan.edits:
            if isinstance(edit, Keep):
                assert self.limits.share or edit.length == 0
                self.keep(edit.seq, edit.length)
            else:
                self._copy(edit)

    def keep(self, seq: int, length: int) -> None:
        assert length < len(self.sequences[seq])
        for cell, _ in self.sequences[seq][length:]:
            self.holders[cell] -= 1
            self.used -= self.holders[cell] == 0
        del self.sequences[seq][length:]

    def _copy(self, edit: Copy) -> None:
        assert self.limits.share
        assert not self.sequences[edit.target]
        assert 0 < edit.length <= len(self.sequences[edit.source])
        copied = self.sequences[edit.source][: edit.length]
        if self.limits.divided:
            copied = [(self._new_cell(), state) for _, state in copied]
            self.used += len(copied)
        self.sequences[edit.target] = copied
        self.holders.update(cell for cell, _ in copied)

    def _new_cell(self) -> int:
        self._written += 1
        return self._written

    def decode(self, chunks: Sequence[Chunk], most: int | None = None) -> dict[int, int] | None:
        """Stores the chunks; the next token of each one that asked, or None without room."""
        fresh = sum(len(chunk.tokens) for chunk in chunks)
        assert 0 < fresh <= (most or self.limits.batch)
        if self.used + fresh > self.limits.cells - self.stolen:
            assert self.stolen
            return None
        assert len({chunk.seq for chunk in chunks}) == len(chunks)
        for chunk in chunks:
            self._write(self.sequences[chunk.seq], chunk)
        assert self.used <= self.limits.cells
        assert max(map(len, self.sequences)) <= self.limits.longest
        return {c.job: says(self.sequences[c.seq][-1][1]) for c in chunks if c.sample}

    def _write(self, sequence: list[tuple[int, int]], chunk: Chunk) -> None:
        assert chunk.start == len(sequence)
        state = sequence[-1][1] if sequence else 0
        for token in chunk.tokens:
            state = after(state, token)
            cell = self._new_cell()
            sequence.append((cell, state))
            self.holders[cell] = 1
        self.used += len(chunk.tokens)


@dataclass
class Wanted:
    """A request and what became of it; it ends by itself after ``length`` tokens."""

    prompt: list[int]
    budget: int
    length: int
    due: int
    answer: list[int] = field(default_factory=list)
    first_step: int | None = None
    last_step: int | None = None

    def expected(self) -> list[int]:
        """What a model that has no other requests says."""
        state, answer = 0, list[int]()
        for token in self.prompt:
            state = after(state, token)
        while len(answer) < self.length:
            answer.append(says(state))
            state = after(state, answer[-1])
        return answer


class Bench:
    """Drives a scheduler and its cache as the engine's loop does."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.scheduler = Scheduler(limits)
        self.cache = SimulatedCache(limits)
        self.open: dict[int, Wanted] = {}
        self.done: dict[int, Wanted] = {}
        self.decoded = 0
        self.steps = 0
        self.numbers = 0
        self.failed = 0
        self._in_vain = 0
        self.last = Plan((), ())
        self._preempted = 0
        self._answering: set[int] = set()
        self._rested: set[int] = set()
        self.scheduler.on_eviction(self._evicted)

    def submit(
        self, prompt: Sequence[int], budget: int, *, fresh: bool = False, length: int | None = None
    ) -> int:
        self.numbers += 1
        before = sum(len(wanted.prompt) + wanted.budget for wanted in self.open.values())
        due = self.steps + 2 * (before + len(prompt) + budget)
        self._in_vain = 0
        self.scheduler.submit(self.numbers, prompt, len(prompt) + budget, fresh=fresh)
        self.open[self.numbers] = Wanted(list(prompt), budget, length or budget, due)
        return self.numbers

    def cancel(self, number: int) -> str:
        """Cancels a request; the stage it was at."""
        stage = self.stage(number)
        del self.open[number]
        self.scheduler.release(number)
        return stage

    def stage(self, number: int) -> str:
        """Where a request is, by the last plan."""
        if number in self.last.followers:
            return "following"
        if number not in self.last.serves.union(self.last.resting):
            return "stepped back" if self.open[number].answer else "queued"
        return "answering" if self.open[number].answer else "reading"

    def plan(self) -> Plan:
        """The next plan, its edits carried out. Whoever has a sequence has one place in it."""
        self.last = plan = self.scheduler.plan()
        self.cache.apply(plan)
        known = [*(chunk.job for chunk in plan.chunks), *plan.followers, *plan.resting]
        assert len(set(known)) == len(known) == self.scheduler.active
        assert set(known) <= set(self.open), "a cancelled request is worked for"
        assert self.scheduler.active + self.scheduler.queued == len(self.open)
        assert plan.chunks or not self.open, "requests are left and nothing is done for them"
        self._check_answers(plan)
        self._check_books()
        return plan

    def _evicted(self, seq: int, tokens: list[int]) -> None:
        """What is said to be stored still is, so that it can be kept elsewhere."""
        state = 0
        for token in tokens:
            state = after(state, token)
        assert [known for _, known in self.cache.sequences[seq]][len(tokens) - 1 :] == [state]

    def _check_answers(self, plan: Plan) -> None:
        """Those that could go on wait for one step, of a limited size, and not for two."""
        if self.scheduler.preempted != self._preempted:
            self._preempted = self.scheduler.preempted
            self._answering.clear()
            self._rested.clear()
        resting = self._answering.intersection(plan.resting)
        assert not resting & self._rested, "an answer waits for two steps"
        if resting:
            assert sum(len(chunk.tokens) for chunk in plan.chunks) <= self.limits.busy_batch

    def _check_books(self) -> None:
        lengths = [len(sequence) for sequence in self.cache.sequences]
        assert [self.scheduler.stored(seq) for seq in range(len(lengths))] == lengths
        assert self.scheduler.held == self.cache.used
        assert self.open or self.scheduler.live_cells == 0

    def step(self) -> Plan:
        plan = self.plan()
        if not plan.chunks:
            return plan
        chosen = self.cache.decode(plan.chunks)
        if chosen is None:
            self._give_up_something()
            return plan
        self.steps, self._in_vain = self.steps + 1, 0
        self.decoded += sum(len(chunk.tokens) for chunk in plan.chunks)
        self.scheduler.decoded(plan)
        self._rested = self._answering.intersection(plan.resting)
        self._answering |= set(chosen)
        for number, token in chosen.items():
            self._take(number, token)
        late = [number for number, wanted in self.open.items() if self.steps > wanted.due]
        assert not late, f"{late} wait longer than all that came before can take"
        return plan

    def _give_up_something(self) -> None:
        self._in_vain += 1
        assert self._in_vain <= 3 * self.limits.sequences, "room is sought for ever"
        number = self.scheduler.no_room()
        if number is not None:
            wanted = self.open.pop(number)
            assert len(wanted.prompt) + len(wanted.answer) > self.limits.cells - self.cache.stolen
            self.scheduler.release(number)
            self.failed, self._in_vain = self.failed + 1, 0

    def _take(self, number: int, token: int) -> None:
        wanted = self.open[number]
        if wanted.first_step is None:
            wanted.first_step = self.steps
        wanted.answer.append(token)
        if len(wanted.answer) < wanted.length:
            self.scheduler.extend(number, token)
            return
        wanted.last_step = self.steps
        self.done[number] = self.open.pop(number)
        self.scheduler.release(number)

    def finish(self) -> None:
        """Until every request is over; the promised steps end this, however it goes."""
        while self.open:
            self.step()
        for wanted in self.done.values():
            assert wanted.answer == wanted.expected(), "somebody else's tokens, or some twice"
        assert not self.plan().chunks

    def revive(self, tokens: Sequence[int]) -> None:
        """A beginning comes back from outside of the context."""
        seq, edits = self.scheduler.vacate(len(tokens))
        self.cache.apply(Plan(edits, ()))
        if seq is not None and not self.cache.stolen:
            self.cache.decode([Chunk(0, seq, 0, tuple(tokens), sample=False)], most=len(tokens))
            self.scheduler.revived(seq, tokens)

    def abort(self, chance: random.Random) -> None:
        """A decode is cut short; a cache that cannot cut sequences in part loses one."""
        plan = self.plan()
        if plan.chunks and not self.limits.share:
            lost = chance.choice(plan.chunks)
            self.scheduler.lost(lost.seq)
            self._answering.discard(lost.job)
            for wanted in self.open.values():
                wanted.due += 2 * lost.start
