"""The scheduler's promises on random schedules: see ``Bench`` for what is checked at each step.

``COUNCIL_SCHEDULES=100000 pytest tests/backend/engine/test_schedules.py`` tries as many.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Sequence

import pytest

from backend.engine import admission, batches, matching, scheduler
from backend.engine.plan import Limits
from tests.backend.engine.simulation import WORDS, Bench

SCHEDULES = int(os.environ.get("COUNCIL_SCHEDULES", "600"))
BLOCKS = 2


def random_limits(chance: random.Random) -> Limits:
    sequences = chance.randint(1, 6)
    divided = chance.random() < 0.3
    return Limits(
        cells=chance.choice([30, 60, 150, 700]) * (sequences if divided else 1),
        sequences=sequences,
        batch=max(sequences, chance.choice([1, 8, 64])),
        busy_batch=max(sequences, chance.choice([1, 4, 16])),
        share=chance.random() < 0.8,
        divided=divided,
    )


def random_prompt(chance: random.Random, most: int, families: Sequence[Sequence[int]]) -> list[int]:
    family = chance.choice(families)
    head = list(family[: chance.randint(0, len(family))])
    tail = [chance.randrange(WORDS) for _ in range(chance.randint(1, 16))]
    return (head + tail)[:most]


def arrive(bench: Bench, chance: random.Random, families: Sequence[Sequence[int]]) -> None:
    """A request, or several with the same prompt, as a panel sends them."""
    prompt = random_prompt(chance, bench.limits.longest - 2, families)
    room = bench.limits.longest - len(prompt)
    for _ in range(chance.choice([1, 1, 3])):
        budget = chance.choice([room, chance.randint(1, min(room, 20))])
        length = chance.randint(1, min(budget, chance.choice([5, 60])))
        bench.submit(prompt, budget, fresh=chance.random() < 0.3, length=length)


def disturb(
    bench: Bench,
    chance: random.Random,
    cancelled: Counter[str],
    families: Sequence[Sequence[int]],
) -> None:
    """What may come between two steps: a cancel, a full cache, an aborted decode, a revival."""
    event = chance.random()
    if event < 0.15 and bench.open:
        number = chance.choice(list(bench.open))
        # Rare enough to be missed otherwise.
        number = next((n for n in bench.open if bench.stage(n) == "stepped back"), number)
        cancelled[bench.cancel(number)] += 1
    elif event < 0.2 and not bench.limits.divided:
        bench.cache.stolen = chance.choice([0, bench.limits.cells // 4])
    elif event < 0.25:
        bench.abort(chance)
    elif event < 0.3 and bench.limits.share:
        bench.revive(chance.choice(families))


def scale(chance: random.Random, patch: pytest.MonkeyPatch) -> None:
    """Small caches need small promises, or nobody would ever have to step back."""
    patch.setattr(admission, "_LEAST_ANSWER", chance.choice([1, 5, 256]))
    patch.setattr(scheduler, "_GROWTH", chance.choice([1, 4, 32]))
    patch.setattr(matching, "_WORTH_WAITING", chance.choice([1, 4, 16]))
    patch.setattr(batches, "_TILE", chance.choice([1, 4, 64]))


def run_schedule(chance: random.Random, seen: Counter[str]) -> None:
    bench = Bench(random_limits(chance))
    families = [
        [chance.randrange(WORDS) for _ in range(bench.limits.longest // 2)] for _ in range(2)
    ]
    for _ in range(chance.randint(1, 16)):
        for _ in range(chance.choice([0, 0, 1, 3])):
            arrive(bench, chance, families)
        bench.step()
        disturb(bench, chance, seen, families)
    bench.finish()
    seen["done"] += len(bench.done)
    seen["failed"] += bench.failed
    seen["preempted"] += bench.scheduler.preempted
    seen["longest"] = max(seen["longest"], bench.scheduler.longest_wait)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_random_schedules(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[str] = Counter()
    for seed in range(block, SCHEDULES, BLOCKS):
        chance = random.Random(seed)
        scale(chance, monkeypatch)
        try:
            run_schedule(chance, seen)
        except Exception as error:
            error.add_note(f"schedule {seed}")
            raise
    stages = {"queued", "following", "reading", "answering", "stepped back"}
    assert stages <= set(seen), "the schedules are too tame to cancel at every stage"
    assert seen["preempted"] > 0
    assert seen["longest"] > 0
    assert 0 < seen["failed"] < seen["done"] / 10
