"""The scheduler against a simulated cache: thousands of random schedules, and chosen ones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from backend.engine.plan import Chunk, Copy, Keep, Limits, Plan
from backend.engine.scheduler import Scheduler


def next_token(tokens: Sequence[int]) -> int:
    """The simulated model: the next token depends on every token before it."""
    return hash(tuple(tokens)) % 50


class SimulatedCache:
    """A KV cache that refuses what llama.cpp would not survive."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.cells = 0
        self.sequences: list[list[tuple[int, int]]] = [[] for _ in range(limits.sequences)]

    def used(self) -> int:
        return len({cell for sequence in self.sequences for cell, _ in sequence})

    def apply(self, plan: Plan) -> None:
        for edit in plan.edits:
            if isinstance(edit, Keep):
                assert self.limits.share or edit.length == 0
                assert edit.length < len(self.sequences[edit.seq])
                del self.sequences[edit.seq][edit.length :]
            else:
                assert isinstance(edit, Copy)
                assert self.limits.share
                assert not self.sequences[edit.target]
                assert 0 < edit.length <= len(self.sequences[edit.source])
                self.sequences[edit.target] = self.sequences[edit.source][: edit.length]

    def decode(self, chunks: Sequence[Chunk]) -> dict[int, int]:
        """Stores the chunks; returns the next token of each one that asked."""
        assert 0 < sum(len(chunk.tokens) for chunk in chunks) <= self.limits.batch
        assert len({chunk.seq for chunk in chunks}) == len(chunks)
        for chunk in chunks:
            sequence = self.sequences[chunk.seq]
            assert chunk.start == len(sequence)
            for token in chunk.tokens:
                self.cells += 1
                sequence.append((self.cells, token))
        assert self.used() <= self.limits.cells
        return {
            chunk.job: next_token([token for _, token in self.sequences[chunk.seq]])
            for chunk in chunks
            if chunk.sample
        }


@dataclass
class Wanted:
    prompt: list[int]
    budget: int
    answer: list[int] = field(default_factory=list)
    first_step: int | None = None

    def expected(self) -> list[int]:
        tokens = list(self.prompt)
        while len(tokens) < len(self.prompt) + self.budget:
            tokens.append(next_token(tokens))
        return tokens[len(self.prompt) :]


class Bench:
    """Drives a scheduler and its cache as the engine's loop does."""

    def __init__(self, limits: Limits) -> None:
        self.scheduler = Scheduler(limits)
        self.cache = SimulatedCache(limits)
        self.open: dict[int, Wanted] = {}
        self.done: dict[int, Wanted] = {}
        self.decoded = 0
        self.steps = 0
        self.numbers = 0

    def submit(self, prompt: Sequence[int], budget: int, *, fresh: bool = False) -> int:
        self.numbers += 1
        wanted = Wanted(list(prompt), budget)
        self.scheduler.submit(self.numbers, prompt, len(prompt) + budget, fresh=fresh)
        self.open[self.numbers] = wanted
        return self.numbers

    def cancel(self, number: int) -> None:
        self.open.pop(number, None)
        self.scheduler.release(number)

    def plan(self) -> Plan:
        plan = self.scheduler.plan()
        self.cache.apply(plan)
        return plan

    def step(self) -> Plan:
        plan = self.plan()
        if not plan.chunks:
            assert not self.open, "requests are left and nothing is done for them"
            return plan
        self.steps += 1
        self.decoded += sum(len(chunk.tokens) for chunk in plan.chunks)
        chosen = self.cache.decode(plan.chunks)
        self.scheduler.decoded(plan)
        for number, token in chosen.items():
            self._take(number, token)
        return plan

    def _take(self, number: int, token: int) -> None:
        wanted = self.open[number]
        if wanted.first_step is None:
            wanted.first_step = self.steps
        wanted.answer.append(token)
        if len(wanted.answer) == wanted.budget:
            self.done[number] = self.open.pop(number)
            self.scheduler.release(number)
        else:
            self.scheduler.extend(number, token)

    def finish(self, most_steps: int = 100_000) -> None:
        for _ in range(most_steps):
            if not self.open:
                return
            self.step()
        pytest.fail(f"{len(self.open)} requests starve")


def random_limits(chance: random.Random) -> Limits:
    sequences = chance.randint(1, 6)
    return Limits(
        cells=chance.choice([40, 100, 300]),
        sequences=sequences,
        batch=max(sequences, chance.choice([1, 8, 64])),
        busy_batch=max(sequences, chance.choice([1, 4, 16])),
        share=chance.random() < 0.8,
    )


def random_prompt(
    chance: random.Random, cells: int, families: Sequence[Sequence[int]]
) -> list[int]:
    family = chance.choice(families)
    head = list(family[: chance.randint(0, len(family))])
    tail = [chance.randrange(50) for _ in range(chance.randint(1, 12))]
    return (head + tail)[: cells - 2]


def disturb(bench: Bench, chance: random.Random) -> None:
    """What may come between two steps: a cancel, a full cache, an aborted decode."""
    event = chance.random()
    if event < 0.1 and bench.open:
        bench.cancel(chance.choice(list(bench.open)))
    elif event < 0.15 and bench.plan().chunks:
        bench.scheduler.no_room()
    elif event < 0.2:
        plan = bench.plan()
        if plan.chunks and not bench.cache.limits.share:
            # An abort, on a cache that cannot cut sequences in part.
            lost = chance.choice(plan.chunks)
            bench.scheduler.lost(lost.seq)


@pytest.mark.parametrize("block", range(20))
def test_random_schedules(block: int) -> None:
    for seed in range(block * 50, block * 50 + 50):
        run_schedule(random.Random(seed))


def run_schedule(chance: random.Random) -> None:
    limits = random_limits(chance)
    bench = Bench(limits)
    families = [[chance.randrange(50) for _ in range(limits.cells // 2)] for _ in range(2)]
    for _ in range(chance.randint(1, 30)):
        for _ in range(chance.choice([0, 0, 1, 4])):
            prompt = random_prompt(chance, limits.cells, families)
            budget = chance.randint(1, min(limits.cells - len(prompt), 40))
            bench.submit(prompt, budget, fresh=chance.random() < 0.3)
        bench.step()
        disturb(bench, chance)
        assert bench.scheduler.active + bench.scheduler.queued == len(bench.open)
    bench.finish()
    for wanted in bench.done.values():
        assert wanted.answer == wanted.expected()
    assert (bench.scheduler.active, bench.scheduler.queued) == (0, 0)


ROOMY = Limits(cells=4096, sequences=8, batch=512, busy_batch=128, share=True)
PROMPT = [number % 47 for number in range(700)]


def test_requests_that_arrive_together_share_their_prompt() -> None:
    bench = Bench(ROOMY)
    numbers = [bench.submit(PROMPT, 10) for _ in range(8)]
    bench.step()
    bench.step()
    assert [bench.scheduler.cached(number) for number in numbers] == [0] + [0] * 7
    bench.step()
    assert [bench.scheduler.cached(number) for number in numbers] == [0] + [699] * 7
    bench.finish()
    assert bench.decoded == 700 + 7 + 8 * 9


def test_a_follower_goes_on_when_its_leader_is_cancelled() -> None:
    bench = Bench(ROOMY)
    leader, follower = bench.submit(PROMPT, 5), bench.submit(PROMPT, 5)
    bench.step()
    bench.cancel(leader)
    bench.finish()
    assert bench.done[follower].answer == bench.done[follower].expected()
    assert bench.decoded == 700 + 4  # what the leader had computed was not lost


def test_a_conversation_is_continued_in_its_own_cache() -> None:
    bench = Bench(ROOMY)
    first = bench.submit(PROMPT, 5)
    bench.finish()
    answer = bench.done[first].answer
    second = bench.submit([*PROMPT, *answer, 1, 2, 3], 5)
    plan = bench.step()
    assert plan.edits == ()
    assert bench.scheduler.cached(second) == 704  # the last token of an answer is never stored


def test_a_repeatable_request_starts_empty_when_it_is_alone() -> None:
    bench = Bench(ROOMY)
    bench.submit(PROMPT, 5)
    bench.finish()
    again = bench.submit(PROMPT, 5, fresh=True)
    bench.step()
    assert bench.scheduler.cached(again) == 0


def test_answers_go_on_while_a_long_prompt_is_read() -> None:
    bench = Bench(ROOMY)
    talking = bench.submit([1, 2, 3], 400)
    bench.step()
    bench.submit([number % 43 for number in range(2000)], 5)
    sizes: list[int] = []
    while bench.scheduler.active + bench.scheduler.queued == 2 and len(sizes) < 10:
        before = len(bench.open[talking].answer)
        plan = bench.step()
        sizes.append(sum(len(chunk.tokens) for chunk in plan.chunks))
        assert len(bench.open[talking].answer) == before + 1
    assert max(sizes) <= ROOMY.busy_batch + 1


def test_a_short_prompt_does_not_wait_for_a_long_one() -> None:
    bench = Bench(ROOMY)
    long = bench.submit([number % 43 for number in range(3000)], 5)
    bench.step()
    short = bench.submit([7, 8, 9], 5)
    bench.finish()
    assert bench.done[short].first_step == 2
    assert (bench.done[long].first_step or 0) > 3


def test_requests_are_admitted_in_order() -> None:
    bench = Bench(Limits(cells=600, sequences=4, batch=64, busy_batch=32, share=True))
    big = [bench.submit([base] * 250, 300) for base in (1, 2)]
    small = bench.submit([3] * 4, 4)
    bench.step()
    # The second big one does not fit yet; the small one would, but came later.
    assert (bench.scheduler.active, bench.scheduler.queued) == (1, 2)
    bench.finish()
    first = bench.done[big[0]].first_step or 0
    assert (bench.done[small].first_step or 0) >= first + 299  # not before the first one was done


def test_the_newest_steps_back_and_still_gets_its_answer() -> None:
    bench = Bench(Limits(cells=700, sequences=2, batch=64, busy_batch=32, share=True))
    old, new = bench.submit([1, 2, 3], 600), bench.submit([4, 5, 6], 600)
    bench.finish()
    assert bench.scheduler.preempted > 0
    for number in (old, new):
        assert bench.done[number].answer == bench.done[number].expected()


def test_a_lone_request_the_cache_refuses_is_named() -> None:
    bench = Bench(ROOMY)
    number = bench.submit([1, 2, 3], 5)
    bench.plan()
    assert bench.scheduler.no_room() == number


@pytest.mark.parametrize(("prompt", "limit"), [([], 5), ([1, 2], 2), ([1], 5000)])
def test_what_could_never_be_served_is_refused(prompt: list[int], limit: int) -> None:
    with pytest.raises(ValueError, match="request 1"):
        Scheduler(ROOMY).submit(1, prompt, limit)


def test_a_batch_must_hold_a_token_of_each_sequence() -> None:
    with pytest.raises(ValueError, match="too small"):
        Scheduler(Limits(cells=100, sequences=8, batch=4, busy_batch=4, share=True))
