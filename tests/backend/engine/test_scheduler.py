"""The scheduler's rules, one by one, against a simulated cache."""

from __future__ import annotations

import pytest

from backend.engine.batches import fill
from backend.engine.cells import Ledger
from backend.engine.jobs import Board, Job
from backend.engine.plan import Limits, Plan
from backend.engine.scheduler import Scheduler
from tests.backend.engine.simulation import Bench

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


def read(plan: Plan) -> dict[int, int]:
    """How much of which prompts a step reads."""
    return {chunk.job: len(chunk.tokens) for chunk in plan.chunks if plan.reads}


def test_answers_and_prompts_take_turns() -> None:
    bench = Bench(ROOMY)
    talking = bench.submit([1, 2, 3], 400)
    bench.step()
    long = bench.submit([number % 43 for number in range(2000)], 400)
    steps = [bench.step() for _ in range(32)]
    sizes = [read(plan).get(long, 0) for plan in steps]
    assert sizes == [0, 128] * 15 + [0, 2000 - 15 * 128]
    assert [len(plan.chunks) for plan in steps] == [1] * len(steps)
    assert len(bench.open[talking].answer) == 1 + len(steps) // 2
    assert len(bench.step().chunks) == 2  # both answer now


def test_prompts_are_read_one_after_the_other_in_whole_tiles() -> None:
    """Side by side each would pay for the cells of all of them."""
    bench = Bench(ROOMY)
    numbers = [bench.submit([base] * 440, 100) for base in range(6)]
    plans = [bench.step() for _ in range(40)]
    parts = [chunk for plan in plans if plan.reads for chunk in plan.chunks]
    assert sum(len(chunk.tokens) for chunk in parts) == 6 * 440
    assert [chunk.job for chunk in parts if chunk.sample] == numbers
    assert all(chunk.sample or len(chunk.tokens) % 64 == 0 for chunk in parts)
    assert all(chunk.sample for plan in plans for chunk in plan.chunks[1:])
    assert max(len(read(plan)) for plan in plans) == 2


def test_a_short_prompt_does_not_wait_for_a_long_one() -> None:
    bench = Bench(ROOMY)
    long = bench.submit([number % 43 for number in range(3000)], 5)
    bench.step()
    short = bench.submit([7, 8, 9], 5)
    bench.finish()
    assert bench.done[short].first_step == 2
    assert (bench.done[long].first_step or 0) > 3


@pytest.mark.parametrize(("tokens", "steps"), [(20, 1), (64, 1), (128, 2)])
def test_short_prompts_go_before_long_ones_while_somebody_answers(tokens: int, steps: int) -> None:
    bench = Bench(ROOMY)
    bench.submit([1, 2, 3], 400)
    bench.step()
    for base in range(4):
        bench.submit([base] * 700, 100)
    short = bench.submit([9] * tokens, 5)
    reading = 0
    while not bench.open[short].answer:
        reading += bench.step().reads
    assert reading == steps


def test_an_endless_stream_of_short_prompts_does_not_stop_a_long_one() -> None:
    bench = Bench(ROOMY)
    long = bench.submit([1] * 2000, 5)
    for step in range(-(-2000 // 256)):  # half of each is for it
        for word in range(4):
            bench.submit([1000 + 4 * step + word] * 130, 1)
        bench.step()
    assert bench.open[long].answer
    assert bench.done


def test_a_newer_prompt_that_the_oldest_request_follows_goes_first() -> None:
    board = Board(ROOMY, Ledger(3))
    oldest, other, newest = (Job(n, n, PROMPT[n:], 900, fresh=False, since=0) for n in range(3))
    for seq, job in enumerate((newest, other, oldest)):
        board.start(job, seq)
    oldest.leader, oldest.promised = newest, 600
    assert [(chunk.job, len(chunk.tokens)) for chunk in fill(board)] == [(newest.id, 512)]


TIGHT = Limits(cells=600, sequences=4, batch=64, busy_batch=32, share=True)


def test_a_small_request_goes_ahead_of_a_big_one_that_does_not_fit() -> None:
    bench = Bench(TIGHT)
    big = [bench.submit([base] * 250, 300) for base in (1, 2)]
    small = bench.submit([3] * 4, 4)
    bench.finish()
    assert bench.done[small].first_step == 1
    assert (bench.done[big[1]].first_step or 0) > 300


def test_who_went_ahead_holds_up_nobody() -> None:
    """The big one starts as soon as it would have without the small ones, and they go on later."""
    starts = []
    for others in (0, 3):
        bench = Bench(TIGHT)
        first = bench.submit([1] * 250, 300, length=20)
        second = bench.submit([2] * 300, 290)
        for base in range(others):
            bench.submit([base + 3] * 20, 60)
        bench.finish()
        starts.append((bench.done[second].first_step or 0) - (bench.done[first].last_step or 0))
        assert bool(bench.scheduler.preempted) == bool(others)
    assert starts == [-(-300 // TIGHT.batch)] * 2


def test_the_longest_wait_is_known() -> None:
    bench = Bench(Limits(cells=600, sequences=1, batch=64, busy_batch=32, share=True))
    bench.submit([1, 2], 30)
    waiting = bench.submit([3, 4], 5)
    for _ in range(10):
        bench.step()
    assert bench.scheduler.longest_wait == 10  # it waits still
    bench.finish()
    assert bench.scheduler.longest_wait == 30
    assert bench.done[waiting].first_step == 31


def test_who_follows_a_request_that_steps_back_keeps_what_is_computed() -> None:
    prompt = [number % 43 for number in range(300)]
    bench = Bench(TIGHT)
    first = bench.submit([1] * 250, 300)
    for _ in range(5):
        bench.step()
    second = bench.submit(prompt, 290)
    bench.submit(prompt[:80], 4)
    bench.step()  # the third goes ahead: 32 tokens are read beside the first one's answer
    bench.cancel(first)
    bench.plan()
    assert bench.last.followers == (second,)
    bench.scheduler.no_room()  # an idle one goes
    bench.scheduler.no_room()  # the third steps back
    assert bench.plan().chunks[0].start == 32
    bench.finish()


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


APART = Limits(cells=10 * 512, sequences=10, batch=512, busy_batch=128, share=True, divided=True)


def test_new_requests_are_beside_those_in_use_where_each_has_a_buffer() -> None:
    """What an idle sequence holds is moved out of the way, and still there afterwards."""
    bench = Bench(APART)
    kept = [bench.submit([base] * 300, 4) for base in range(3)]
    bench.finish()
    endless = [bench.submit([10 + base] * 300, 200) for base in range(5)]
    bench.step()
    bench.cancel(endless[1])
    for _ in range(20):
        bench.step()
    newest = bench.submit([20] * 300, 200)
    while len(bench.open[newest].answer) < 2:
        used = {chunk.seq for chunk in bench.step().chunks}
    assert max(used) - min(used) == len(used) - 1 == 4
    again = [bench.submit([base] * 300, 4) for base in range(3)]
    bench.step()
    assert [bench.scheduler.cached(number) for number in again] == [299] * len(kept)


def test_a_sequence_too_long_to_be_moved_stays() -> None:
    bench = Bench(
        Limits(cells=3 * 9000, sequences=3, batch=512, busy_batch=128, share=True, divided=True)
    )
    bench.submit([1] * 5000, 3)
    bench.finish()
    first = bench.submit([2] * 20, 50)
    bench.step()
    (long,) = (seq for seq in bench.scheduler.idle() if bench.scheduler.stored(seq) >= 5000)
    bench.submit([3] * 20, 50)
    bench.step()
    assert bench.scheduler.stored(long) >= 5000
    bench.cancel(first)
