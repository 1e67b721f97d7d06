"""A stream that has nothing to say yet says that it is alive."""

from __future__ import annotations

import pytest

from backend import sse
from backend.api import chat
from backend.engine.generation import Generation
from backend.engine.messages import Output
from backend.errors import ModelCrashed

pytestmark = pytest.mark.anyio
HEAD = chat.Head("id", 0, "model", "fp")


async def test_silence_is_filled_with_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "_KEEP_ALIVE", 0.01)
    generation = Generation(1, lambda _: None)
    events = chat._events(generation, HEAD, with_usage=False)
    assert '"role":"assistant"' in await anext(events)
    assert [await anext(events), await anext(events)] == [sse.KEEP_ALIVE] * 2
    generation.put(Output(1, "hello", generated=1, cached=0, finish="stop"))
    rest = [event async for event in events if event != sse.KEEP_ALIVE]
    assert '"content":"hello"' in rest[0]
    assert rest[-1] == sse.DONE


async def test_an_error_ends_a_stream_without_done() -> None:
    generation = Generation(1, lambda _: None)
    generation.accept(3)
    generation.fail(ModelCrashed("model", "it died"))
    events = [event async for event in chat._events(generation, HEAD, with_usage=True)]
    assert len(events) == 2
    assert '"code":"model_crashed"' in events[-1]


async def test_a_fault_in_a_stream_reveals_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("a secret")

    generation = Generation(1, lambda _: None)
    generation.put(Output(1, "", generated=1, cached=0, finish="stop"))
    monkeypatch.setattr(chat, "_usage", broken)
    events = [event async for event in chat._events(generation, HEAD, with_usage=True)]
    assert '"code":"internal_error"' in events[-1]
    assert "secret" not in "".join(events)
    assert "a secret" in caplog.text


async def test_closing_cancels_once() -> None:
    cancelled: list[int] = []
    generation = Generation(7, cancelled.append)
    generation.close()
    generation.close()
    assert cancelled == [7]
