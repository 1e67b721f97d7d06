"""Batches of texts on real llama.cpp, turned by hand."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from backend.engine.embed_loop import EmbedJob, EmbedLoop
from backend.engine.embed_messages import Embedded, EmbedFailed
from backend.engine.llama import EmbeddingContext, LlamaError, Model, NativeLog
from backend.engine.messages import Event, Load


@pytest.fixture(scope="module")
def load(models: Path) -> Load:
    return Load(f"{models}/bytes.gguf", ctx=4096, parallel=4, threads=1, gpu_layers=0)


class Watched(EmbeddingContext):
    """A context that notes its batches."""

    def __init__(self, model: Model, load: Load, log: NativeLog) -> None:
        super().__init__(model, load, log)
        self.batches: list[list[int]] = []
        self.refuses = False

    def embed(self, texts: list[list[int]]) -> list[bytes]:  # type: ignore[override]
        if self.refuses:
            raise LlamaError("no memory")
        self.batches.append([len(text) for text in texts])
        return super().embed(texts)


class Told:
    """What a loop sends."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def ids(self) -> list[int]:
        return [event.id for event in self.events if isinstance(event, Embedded)]

    def vectors(self, request: int) -> list[bytes]:
        (found,) = [e for e in self.events if isinstance(e, Embedded) and e.id == request]
        return [base64.b64decode(vector) for vector in found.vectors]


@pytest.fixture
def context(model: Model, load: Load, log: NativeLog) -> Watched:
    return Watched(model, load, log)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def loop(context: Watched, told: Told) -> EmbedLoop:
    return EmbedLoop(context, told)


def drain(loop: EmbedLoop, told: Told, answers: int) -> None:
    while len(told.events) < answers:
        loop.turn()


def test_requests_share_a_batch(loop: EmbedLoop, context: Watched, told: Told) -> None:
    for number in range(1, 9):
        loop.submit(EmbedJob(number, [[65] * number]))
    drain(loop, told, 8)
    assert context.batches == [[1, 2, 3, 4, 5, 6, 7, 8]]
    assert sorted(told.ids()) == list(range(1, 9))


def test_a_long_list_delays_nobody(loop: EmbedLoop, context: Watched, told: Told) -> None:
    loop.submit(EmbedJob(1, [[65] * 200] * 50))
    loop.submit(EmbedJob(2, [[66]]))
    loop.turn()
    assert told.ids() == [2]
    drain(loop, told, 2)
    assert len(told.vectors(1)) == 50
    assert all(sum(batch) <= 512 for batch in context.batches)


def test_a_text_longer_than_a_batch(loop: EmbedLoop, context: Watched, told: Told) -> None:
    loop.submit(EmbedJob(1, [[65], [66] * 3001, [65]]))
    drain(loop, told, 1)
    first, long, last = map(numbers, told.vectors(1))
    assert [3001] in context.batches
    assert long != first
    assert first == pytest.approx(last, abs=1e-3)


def test_a_text_does_not_see_its_neighbours(loop: EmbedLoop, context: Watched, told: Told) -> None:
    loop.submit(EmbedJob(1, [[70, 71, 72]]))
    drain(loop, told, 1)
    loop.submit(EmbedJob(2, [[80] * 9, [70, 71, 72], [90] * 5]))
    drain(loop, told, 2)
    alone, among = numbers(told.vectors(1)[0]), numbers(told.vectors(2)[1])
    assert among == pytest.approx(alone, abs=1e-3)


def numbers(vector: bytes) -> list[float]:
    return [float(number) for number in memoryview(vector).cast("f")]


def test_a_cancelled_request_is_forgotten(loop: EmbedLoop, context: Watched, told: Told) -> None:
    loop.submit(EmbedJob(1, [[65] * 400] * 10))
    loop.submit(EmbedJob(2, [[66]]))
    loop.cancel(1)
    loop.cancel(99)
    drain(loop, told, 1)
    assert told.ids() == [2]
    assert context.batches == [[1]]


def test_no_memory_fails_the_requests_and_nobody_later(
    loop: EmbedLoop, context: Watched, told: Told
) -> None:
    context.refuses = True
    loop.submit(EmbedJob(1, [[65]]))
    loop.turn()
    assert told.events == [EmbedFailed(1, "no memory")]
    context.refuses = False
    loop.submit(EmbedJob(2, [[65]]))
    loop.turn()
    assert told.ids() == [2]


def test_a_batch_that_would_kill_the_process_is_refused(context: Watched) -> None:
    context.prepare()
    for texts in ([], [[65]] * 33, [[65] * 300, [65] * 300]):
        with pytest.raises(ValueError, match="do not fit a batch"):
            context.embed(texts)
