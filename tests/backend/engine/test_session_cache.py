"""Sequences on their way to disk and back, in this process, where the disk or a state is odd."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend.engine.llama import Context, Model, NativeLog
from backend.engine.loop import EngineLoop, Request
from backend.engine.messages import Event, Load, Sampling, Step
from backend.engine.plan import Chunk
from backend.engine.session_cache import SessionCache
from backend.engine.shelf import Shelf
from backend.options import Options
from tests.backend.serving import PATIENCE

COUNT = 300


@pytest.fixture(scope="module")
def load(models: Path) -> Load:
    return Load(f"{models}/bytes.gguf", ctx=4096, parallel=8, threads=1, gpu_layers=0)


class Hanging(Shelf):
    """A shelf on a disk that hangs until it is let go."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 1 << 30, lambda _: None)
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def put(self, tokens: list[int], state: bytes) -> None:
        self.begun.set()
        assert self.go_on.wait(PATIENCE)
        super().put(tokens, state)


class Running:
    """A loop in a thread of its own, as in a worker, and the ends of its requests."""

    def __init__(
        self, model: Model, context: Context, shelf: Shelf, quiet: threading.Event
    ) -> None:
        self._quiet = quiet
        self.loop = EngineLoop(model, context, self._note, shelf)
        self._ends: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self.loop.run)
        self.thread.start()

    def _note(self, event: Event) -> None:
        assert isinstance(event, Step)
        for output in event.outputs:
            if output.finish:
                self._ends.put(output.id)

    def ask(self, number: int) -> None:
        """Answers a long prompt that is like no other."""
        prompt = (number,) * COUNT
        sampling = Sampling(temperature=0)
        self.loop.submit(Request(number, prompt, 1, sampling, (), fresh=False))
        assert self._ends.get(timeout=PATIENCE) == number

    def wait_for_quiet(self) -> None:
        """Returns when the loop has begun to write sequences down."""
        self._quiet.clear()
        assert self._quiet.wait(PATIENCE)


@pytest.fixture
def shelf(tmp_path: Path) -> Hanging:
    return Hanging(tmp_path)


@pytest.fixture
def running(
    model: Model, load: Load, log: NativeLog, shelf: Hanging, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Running]:
    quiet, save = threading.Event(), SessionCache.save

    def noted(sessions: SessionCache, until: Callable[[], bool]) -> bool:
        quiet.set()
        return save(sessions, until)

    monkeypatch.setattr(SessionCache, "QUIET", 0.01)
    monkeypatch.setattr(SessionCache, "save", noted)
    found = Running(model, Context(model, load, log), shelf, quiet)
    yield found
    shelf.go_on.set()
    found.loop.close()
    found.thread.join(PATIENCE)


def test_a_disk_that_hangs_holds_up_nobody(running: Running, shelf: Hanging) -> None:
    """More sequences than may wait for it, and a quiet moment after each."""
    running.ask(1)
    assert shelf.begun.wait(PATIENCE)
    for number in range(2, 4):
        running.ask(number)
    for number in range(4, 7):
        running.ask(number)
        running.wait_for_quiet()
    shelf.go_on.set()
    running.loop.close()
    running.thread.join(PATIENCE)
    assert [shelf.find([number] * COUNT) for number in range(1, 7)] == [COUNT] * 6


def test_a_state_that_does_not_fit_is_not_read_again(
    model: Model, load: Load, log: NativeLog, tmp_path: Path
) -> None:
    prompt = [65] * COUNT
    wide = Load(load.path, 4096, 8, 1, 0, Options(cache_type_k="f32"))
    other = Context(model, wide, log)
    other.decode([Chunk(0, 0, 0, tuple(prompt), sample=True)])
    notes: list[str] = []
    shelf = Shelf(tmp_path, 1 << 30, notes.append)
    shelf.put(prompt, other.snapshot(0))
    ends: list[Event] = []
    loop = EngineLoop(model, Context(model, load, log), ends.append, shelf)
    loop.submit(Request(1, tuple(prompt), 1, Sampling(temperature=0), (), fresh=False))
    loop.turn()
    (note,) = notes
    assert "llama.cpp does not take its state" in note
    assert shelf.find(prompt) == 0
    assert list(tmp_path.iterdir()) == []
    (step,) = ends
    assert isinstance(step, Step)
    assert [output.finish for output in step.outputs] == ["length"]
