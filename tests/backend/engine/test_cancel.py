"""A cancel at each stage of a request, in the real engine with its checks on itself.

The engine's loop is turned by hand; a cancel comes from within a decode, as from another thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from backend.engine.audit import AuditError
from backend.engine.llama import Context, Model, NativeLog, Outcome
from backend.engine.loop import EngineLoop, Request
from backend.engine.messages import Event, Load, Output, Sampling, Step
from backend.engine.plan import Chunk

GREEDY = Sampling(temperature=0)


class Bench:
    """A loop on a context of its own, and what it has sent."""

    def __init__(self, model: Model, load: Load, log: NativeLog) -> None:
        self.context = Context(model, load, log)
        self.loop = EngineLoop(model, self.context, self._note)
        self.outcomes: list[Outcome] = []
        self.steps: list[Step] = []
        self.events: dict[int, Callable[[], None]] = {}
        self._native = self.context.decode
        self.context.decode = self._decode  # type: ignore[method-assign]

    def _note(self, event: Event) -> None:
        assert isinstance(event, Step)
        self.steps.append(event)

    def _decode(self, chunks: Sequence[Chunk]) -> Outcome:
        self.events.pop(len(self.outcomes), lambda: None)()
        self.outcomes.append(self._native(chunks))
        return self.outcomes[-1]

    def cancel_in(self, decode: int, *requests: int) -> None:
        """Cancels requests while the decode of this number, from 0, runs."""

        def cancel() -> None:
            for number in requests:
                self.loop.cancel(number)

        self.events[decode] = cancel

    def submit(self, number: int, tokens: Sequence[int], budget: int = 5) -> None:
        self.loop.submit(Request(number, tuple(tokens), budget, GREEDY, (), fresh=True))

    def outputs(self, number: int) -> list[Output]:
        return [out for step in self.steps for out in step.outputs if out.id == number]

    def text(self, number: int) -> str:
        """The whole text of a request that ends by itself."""
        while not (self.outputs(number) and self.outputs(number)[-1].finish):
            self.loop.turn()
        return "".join(output.text for output in self.outputs(number))

    def nothing_left(self, asked_alone: str) -> None:
        """Asked alone at the end, a request gets what a fresh context says."""
        self.submit(99, QUESTION)
        assert self.text(99) == asked_alone
        stats = self.steps[-1].stats
        assert (stats.active, stats.queued) == (0, 0)


QUESTION = [65 + number % 26 for number in range(50)]
LONG = [33 + number % 90 for number in range(1400)]


@pytest.fixture(scope="module")
def make(models: Path) -> Callable[[], Bench]:
    """Makes benches on one model."""
    load = Load(f"{models}/endless.gguf", ctx=2048, parallel=3, threads=1, gpu_layers=0)
    log = NativeLog()
    model = Model(load, log, lambda _: None)
    return lambda: Bench(model, load, log)


@pytest.fixture
def bench(make: Callable[[], Bench], monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A bench that checks itself."""
    monkeypatch.setenv("COUNCIL_BACKEND_AUDIT", "1")
    return make()


@pytest.fixture(scope="module")
def asked_alone(make: Callable[[], Bench]) -> str:
    """What a fresh context says to ``QUESTION``."""
    bench = make()
    bench.submit(1, QUESTION)
    return bench.text(1)


def test_while_it_waits(bench: Bench, asked_alone: str) -> None:
    for number in range(1, 6):
        bench.submit(number, [number + 64] * 20)
    bench.cancel_in(0, 4)
    for number in (1, 2, 3, 5):
        bench.text(number)
    assert bench.outputs(4) == []
    assert set(bench.outcomes) == {Outcome.DONE}
    bench.nothing_left(asked_alone)


def test_while_it_follows_another(bench: Bench, asked_alone: str) -> None:
    bench.submit(1, QUESTION)
    bench.submit(2, QUESTION)
    bench.cancel_in(0, 2)
    assert bench.text(1) == asked_alone
    assert bench.outputs(2) == []
    bench.nothing_left(asked_alone)


def test_while_another_follows_it(bench: Bench, asked_alone: str) -> None:
    """The decode goes on: the follower needs it. Nothing is computed twice."""
    bench.submit(1, QUESTION)
    bench.submit(2, QUESTION)
    bench.cancel_in(0, 1)
    assert bench.text(2) == asked_alone
    assert bench.outcomes[0] is Outcome.DONE
    assert bench.steps[-1].stats.prefilled == len(QUESTION) + 1
    bench.nothing_left(asked_alone)


def test_while_all_of_them_leave(bench: Bench, asked_alone: str) -> None:
    bench.submit(1, QUESTION)
    bench.submit(2, QUESTION)
    bench.cancel_in(0, 1, 2)
    bench.loop.turn()
    assert bench.outcomes == [Outcome.ABORTED]
    bench.nothing_left(asked_alone)


@pytest.mark.parametrize("decode", [0, 1, 2])
def test_within_a_long_prompt(bench: Bench, asked_alone: str, decode: int) -> None:
    bench.submit(1, LONG)
    bench.cancel_in(decode, 1)
    for _ in range(decode + 1):
        bench.loop.turn()
    assert bench.outcomes == [Outcome.DONE] * decode + [Outcome.ABORTED]
    assert bench.outputs(1) == []
    bench.nothing_left(asked_alone)


@pytest.mark.parametrize(("decode", "outcome"), [(2, Outcome.ABORTED), (3, Outcome.DONE)])
def test_within_a_long_prompt_beside_another(
    bench: Bench, asked_alone: str, decode: int, outcome: Outcome
) -> None:
    """A step for the prompt alone is cut short, although the other one is there; its own is not."""
    bench.submit(1, QUESTION, budget=30)
    bench.submit(2, LONG)
    bench.cancel_in(decode, 2)
    assert len(bench.text(1)) == 30
    assert bench.outputs(2) == []
    assert bench.outcomes.pop(decode) is outcome
    assert set(bench.outcomes) == {Outcome.DONE}
    bench.nothing_left(asked_alone)


def test_while_it_answers(bench: Bench, asked_alone: str) -> None:
    bench.submit(1, QUESTION, budget=100)
    bench.cancel_in(4, 1)
    for _ in range(5):
        bench.loop.turn()
    assert len(bench.outputs(1)) == 4
    bench.nothing_left(asked_alone)


def test_after_it_has_stepped_back(bench: Bench, asked_alone: str) -> None:
    """Two answers that do not fit together: the newer one is cancelled while it waits again."""
    bench.submit(1, [65] * 600, budget=1000)
    bench.submit(2, [66] * 600, budget=1000)
    while not bench.steps or not bench.steps[-1].stats.preempted:
        bench.loop.turn()
    told = len(bench.outputs(2))
    bench.loop.cancel(2)
    assert len(bench.text(1)) == 1000
    assert len(bench.outputs(2)) == told > 0
    bench.nothing_left(asked_alone)


def test_a_short_question_does_not_wait_for_a_long_prompt(bench: Bench) -> None:
    bench.submit(1, LONG)
    bench.loop.turn()
    bench.submit(2, QUESTION)
    bench.loop.turn()
    assert len(bench.outputs(2)) == 1
    assert len(bench.text(2)) == 5
    assert len(bench.outcomes) < 2 * 5


def test_every_other_step_has_a_token_for_each_answer_while_a_prompt_is_read(bench: Bench) -> None:
    bench.submit(1, QUESTION, budget=100)
    bench.loop.turn()
    bench.submit(2, LONG)
    told = []
    while not bench.outputs(2):
        before = len(bench.outputs(1))
        bench.loop.turn()
        told.append(len(bench.outputs(1)) - before)
    assert told == [1, 0] * -(-len(LONG) // 256)


def test_books_that_are_wrong_are_noticed(bench: Bench) -> None:
    """Cells taken behind the scheduler's back end the worker instead of spoiling an answer."""
    bench.submit(1, QUESTION)
    bench.loop.turn()
    chunk = Chunk(job=0, seq=2, start=0, tokens=(65, 66), sample=False)
    assert bench.context.decode([chunk]) is Outcome.DONE
    with pytest.raises(AuditError, match="sequence 2 holds 0 tokens, not 2"):
        bench.loop.turn()
