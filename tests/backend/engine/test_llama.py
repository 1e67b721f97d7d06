"""llama.cpp through our bindings, in this process: what no HTTP request can bring about at will."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.engine.llama import Context, LlamaError, Model, NativeLog, Outcome, check_file
from backend.engine.loop import EngineLoop, Request
from backend.engine.messages import Event, Load, Output, Sampling, Step
from backend.engine.plan import Chunk, Copy, Keep
from tests.backend.random_model import Shape, write_model

GREEDY = Sampling(temperature=0)


@pytest.fixture(scope="module")
def load(models: Path) -> Load:
    """A context of 512 tokens for 4 sequences."""
    return Load(f"{models}/endless.gguf", ctx=512, parallel=4, threads=1, gpu_layers=0)


@pytest.fixture
def context(model: Model, load: Load, log: NativeLog) -> Context:
    """A fresh context."""
    return Context(model, load, log)


def chunk(seq: int, start: int, tokens: list[int]) -> Chunk:
    return Chunk(job=seq, seq=seq, start=start, tokens=tuple(tokens), sample=True)


def greedy(context: Context, row: int) -> int:
    sampler = context.sampler(GREEDY)
    try:
        return sampler.sample(row)
    finally:
        sampler.close()
        sampler.close()  # harmless


def test_special_tokens_are_recognised_and_others_round_trip(model: Model) -> None:
    tokens = model.tokenize("<|im_start|>thé\x00<|im_end|>")
    assert len(tokens) == 6
    assert b"".join(map(model.piece, tokens)) == "thé\x00".encode()
    assert model.ends_text(tokens[-1])
    assert (model.bos, model.eos) == ("<|im_start|>", "<|im_end|>")


def test_a_text_may_have_more_tokens_than_bytes(tmp_path: Path, log: NativeLog) -> None:
    path = write_model(tmp_path / "spelled.gguf", Shape(spelled=True))
    model = Model(Load(str(path), 512, 1, 1, 0), log, lambda _: None)
    assert len(model.tokenize_text(" " * 1000)) > 3000
    assert len(model.tokenize(" " * 1000)) > 3000


def test_limits_are_those_asked_for(context: Context) -> None:
    assert context.limits.cells == 512
    assert context.limits.sequences == 4
    assert context.limits.share
    assert context.request_limit == 512


def test_a_shared_beginning_gives_the_same_token(context: Context, model: Model) -> None:
    tokens = model.tokenize("a beginning, and its end")
    assert context.decode([chunk(0, 0, tokens)]) is Outcome.DONE
    expected = greedy(context, len(tokens) - 1)
    assert context.apply(Copy(0, 1, 10))
    assert context.decode([chunk(1, 10, tokens[10:])]) is Outcome.DONE
    assert greedy(context, len(tokens) - 11) == expected


def test_a_full_cache_is_an_outcome(context: Context) -> None:
    for start in range(0, 512, 128):
        assert context.decode([chunk(0, start, [65] * 128)]) is Outcome.DONE
    assert context.decode([chunk(1, 0, [65])]) is Outcome.NO_ROOM
    assert context.apply(Keep(0, 100))
    assert context.decode([chunk(1, 0, [65])]) is Outcome.DONE


def test_a_decode_can_be_aborted_and_done_again(context: Context, model: Model) -> None:
    tokens = model.tokenize("some text to go on with")
    context.abort.set(True)
    assert context.decode([chunk(0, 0, tokens)]) is Outcome.ABORTED
    context.abort.set(False)
    assert context.apply(Keep(0, 0))
    assert context.decode([chunk(0, 0, tokens)]) is Outcome.DONE
    again = greedy(context, len(tokens) - 1)
    assert context.decode([chunk(1, 0, tokens)]) is Outcome.DONE
    assert greedy(context, len(tokens) - 1) == again


@pytest.mark.parametrize("size", [0, 600])
def test_a_batch_that_would_kill_the_process_is_refused(context: Context, size: int) -> None:
    with pytest.raises(ValueError, match="do not fit a batch"):
        context.decode([chunk(0, 0, [65] * size)])


class Told:
    """What a loop sends."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def __call__(self, event: Event) -> None:
        assert isinstance(event, Step)
        self.steps.append(event)

    def outputs(self, request: int) -> list[Output]:
        return [out for step in self.steps for out in step.outputs if out.id == request]


@pytest.fixture
def told() -> Told:
    """What ``loop`` has sent."""
    return Told()


@pytest.fixture
def loop(model: Model, context: Context, told: Told) -> EngineLoop:
    """A loop that is turned by hand."""
    return EngineLoop(model, context, told)


def drain(loop: EngineLoop, told: Told, *requests: int) -> None:
    """Turns the loop until these requests are over; it would wait for ever after that."""
    while not all(outputs and outputs[-1].finish for outputs in map(told.outputs, requests)):
        loop.turn()


def request(number: int, tokens: int = 20, budget: int = 5) -> Request:
    return Request(number, (65,) * tokens, budget, GREEDY, (), fresh=True)


def test_all_tokens_of_a_step_travel_together(loop: EngineLoop, told: Told) -> None:
    for number in (1, 2, 3):
        loop.submit(request(number, tokens=number))
    drain(loop, told, 1, 2, 3)
    assert max(len(step.outputs) for step in told.steps) == 3
    assert [told.outputs(number)[-1].finish for number in (1, 2, 3)] == ["length"] * 3
    assert told.steps[-1].stats.active == 0


def test_a_decode_that_serves_nobody_is_cut_short(
    loop: EngineLoop, context: Context, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cancel arrives while llama.cpp computes: the step ends, and nothing of it stays."""
    native = context.decode
    outcomes: list[Outcome] = []

    def interrupted(chunks: list[Chunk]) -> Outcome:
        loop.cancel(1)
        outcomes.append(native(chunks))
        return outcomes[-1]

    loop.submit(request(1))
    monkeypatch.setattr(context, "decode", interrupted)
    loop.turn()
    monkeypatch.undo()
    assert outcomes == [Outcome.ABORTED]
    loop.submit(request(2))
    drain(loop, told, 2)
    assert told.outputs(1) == []
    assert told.outputs(2)[-1].finish == "length"


def test_a_decode_that_serves_others_goes_on(
    loop: EngineLoop, context: Context, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    native = context.decode
    outcomes: list[Outcome] = []

    def interrupted(chunks: list[Chunk]) -> Outcome:
        if not outcomes:
            loop.cancel(1)
        outcomes.append(native(chunks))
        return outcomes[-1]

    loop.submit(request(1, tokens=3))
    loop.submit(request(2, tokens=4))
    monkeypatch.setattr(context, "decode", interrupted)
    drain(loop, told, 2)
    assert set(outcomes) == {Outcome.DONE}
    assert len(told.outputs(1)) <= 1
    assert told.outputs(2)[-1].generated == 5


def test_a_cache_fuller_than_the_books_say_fails_only_who_cannot_be_served(
    loop: EngineLoop, context: Context, told: Told
) -> None:
    """Cells taken behind the scheduler's back, as an architecture with other needs would."""
    context.decode([chunk(3, 0, [65] * 500)])
    loop.submit(request(1, tokens=4, budget=2))
    loop.submit(request(2, tokens=100))
    drain(loop, told, 1, 2)
    assert told.outputs(1)[-1].finish == "length"
    assert told.outputs(2)[-1].finish == "error"


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    """A file that is no model."""
    path = tmp_path / "x.gguf"
    path.write_text("GGU")
    return path


def test_files_are_looked_at_before_native_code_does(text_file: Path) -> None:
    with pytest.raises(LlamaError, match="not a GGUF file"):
        check_file(text_file)
    with pytest.raises(LlamaError, match="cannot be read: Is a directory"):
        check_file(text_file.parent)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"GGUF\x03\x00\x00\x00" + b"\x00" * 16, "unknown model architecture"),
        (b"GGUF\xff\xff\xff\xff", "this GGUF file is version"),
    ],
)
def test_why_a_file_cannot_be_loaded(
    tmp_path: Path, load: Load, log: NativeLog, content: bytes, told: str
) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(LlamaError, match=told):
        Model(Load(str(path), load.ctx, 4, 1, 0), log, lambda _: None)
