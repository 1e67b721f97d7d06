"""Sequences that come from elsewhere, and those that leave: the books of it, without a model."""

from __future__ import annotations

import pytest

from backend.engine.plan import Keep, Limits, Plan
from backend.engine.scheduler import Scheduler

LIMITS = Limits(cells=1000, sequences=3, batch=512, busy_batch=128, share=True)


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler(LIMITS)


def tokens(start: int, count: int) -> list[int]:
    return list(range(start, start + count))


def step(scheduler: Scheduler) -> Plan:
    plan = scheduler.plan()
    scheduler.decoded(plan)
    return plan


def finish(scheduler: Scheduler, job: int, prompt: list[int]) -> None:
    """Computes a prompt and leaves it in an idle sequence."""
    scheduler.submit(job, prompt, len(prompt) + 1)
    while not any(chunk.sample for chunk in step(scheduler).chunks):
        pass
    scheduler.release(job)


def test_what_came_from_elsewhere_is_shared(scheduler: Scheduler) -> None:
    seq, edits = scheduler.vacate(300)
    assert (seq is not None, edits) == (True, ())
    assert seq is not None
    scheduler.revived(seq, tokens(0, 300))
    assert scheduler.idle() == [seq]
    prompt = tokens(0, 250) + tokens(5000, 20)
    assert scheduler.known(prompt) == 250
    scheduler.submit(1, prompt, 300)
    (chunk,) = step(scheduler).chunks
    assert (chunk.start, len(chunk.tokens)) == (250, 20)
    assert scheduler.cached(1) == 250


def test_a_prompt_that_is_about_to_be_stored_is_known(scheduler: Scheduler) -> None:
    scheduler.submit(1, tokens(0, 400), 500)
    assert scheduler.known(tokens(0, 300)) == 300


def test_room_is_made_by_the_longest_unused(scheduler: Scheduler) -> None:
    for job in range(3):
        finish(scheduler, job, tokens(job * 1000, 200))
    oldest, *others = scheduler.idle()
    seq, edits = scheduler.vacate(600)
    assert seq == oldest
    assert edits == (Keep(oldest, 0),)
    assert scheduler.idle() == others
    assert scheduler.held == 400


def test_requests_are_never_in_the_way(scheduler: Scheduler) -> None:
    scheduler.submit(1, tokens(0, 400), 500)
    step(scheduler)
    assert scheduler.free_cells == 600
    assert scheduler.vacate(601) == (None, ())
    assert scheduler.vacate(600)[0] is not None
    scheduler.extend(1, 7)
    for job in (2, 3):
        scheduler.submit(job, tokens(job * 1000, 10), 20)
    step(scheduler)
    assert scheduler.active == 3
    assert scheduler.vacate(1) == (None, ())


def test_who_is_forgotten_is_told_first(scheduler: Scheduler) -> None:
    told: list[tuple[int, list[int]]] = []
    scheduler.on_eviction(lambda seq, stored: told.append((seq, list(stored))))
    finish(scheduler, 1, tokens(0, 200))
    (idle,) = scheduler.idle()
    assert told == []
    # A fresh request that is alone starts from an empty context.
    scheduler.submit(2, tokens(9000, 50), 60, fresh=True)
    step(scheduler)
    assert told == [(idle, tokens(0, 200))]
