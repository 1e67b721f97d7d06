"""Streams of all dialects: silence, an answer without a word, errors, and faults of the server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from backend import sse
from backend.api import answers, chunks, messages_answer, responses_answer, streams
from backend.api.answers import Answering, Ask
from backend.api.chat_events import ChatChunks
from backend.api.completion_events import TextChunks
from backend.api.messages_answer import MessageTelling
from backend.api.plans import Plan
from backend.api.responses import ResponseTelling
from backend.api.responses_answer import Writing, opening
from backend.chat.wanted import Wanted
from backend.engine.generation import Generation
from backend.engine.inflight import Job
from backend.engine.messages import Output
from backend.engine.sampling import Sampling
from backend.errors import ModelCrashed
from backend.schema.responses import ResponsesRequest

pytestmark = pytest.mark.anyio
PING = 'event: ping\ndata: {"type":"ping"}\n\n'
HEAD = chunks.Head("id", 0, "model", "fp")
ASK = Ask(Wanted(()), Sampling(), 5)
Stream = Callable[[Generation], AsyncIterator[str]]


def answering(generation: Generation) -> Answering:
    """One choice, which is plain text."""
    plan = Plan((Job("", Sampling(), None, ()),), None)
    return Answering("model", "fp", [ASK], [plan], [[generation]])


def chat(generation: Generation) -> AsyncIterator[str]:
    answer = answering(generation)
    return streams.events(answer, ChatChunks(answer, HEAD, with_usage=True))


def text(generation: Generation) -> AsyncIterator[str]:
    answer = answering(generation)
    return streams.events(answer, TextChunks(answer, HEAD, ["Once"], with_usage=True))


def message(generation: Generation) -> AsyncIterator[str]:
    answer = answering(generation)
    head = messages_answer.Head("msg_1", "req_1", 5, True)
    return streams.events(answer, MessageTelling(answer, head))


def response(generation: Generation) -> AsyncIterator[str]:
    answer = answering(generation)
    request = ResponsesRequest.model_validate({"input": "x"})
    return streams.events(answer, ResponseTelling(answer, Writing(opening(request, ASK, "model"))))


def begun(*outputs: Output) -> Generation:
    """An accepted generation that has written so far what is in these outputs."""
    generation = Generation(1, lambda _: None)
    generation.accept(3)
    for output in outputs:
        generation.put(output)
    return generation


def data(event: str) -> dict[str, Any]:
    """What the last of some events holds."""
    found: dict[str, Any] = json.loads(event.strip().rpartition("data: ")[2])
    return found


ENDS: dict[Stream, str] = {
    chat: "[DONE]",
    text: "[DONE]",
    message: '{"type": "message_stop"}',
    response: '"type":"response.completed"',
}
"""What the end of a whole answer says."""


@pytest.mark.parametrize("stream", ENDS)
async def test_silence_is_filled(monkeypatch: pytest.MonkeyPatch, stream: Stream) -> None:
    monkeypatch.setattr(answers, "KEEP_ALIVE", 0.01)
    alive = PING if stream is message else sse.KEEP_ALIVE
    generation = begun()
    events = stream(generation)
    first = [await anext(events) for _ in range(3)]
    assert first[0] != alive
    assert first[1:] == [alive] * 2
    generation.put(Output(1, "hello", generated=1, cached=0, finish="stop"))
    rest = [event async for event in events if event != alive]
    assert '"hello"' in rest[0]
    assert ENDS[stream] in rest[-1]


@pytest.mark.parametrize("stream", ENDS)
async def test_an_answer_without_a_word(stream: Stream) -> None:
    generation = begun(Output(1, "", generated=1, cached=0, finish="stop"))
    *_, last = [event async for event in stream(generation)]
    assert ENDS[stream] in last


@pytest.mark.parametrize("stream", [chat, text])
async def test_an_error_ends_chunks_without_done(stream: Stream) -> None:
    generation = begun()
    generation.fail(ModelCrashed("model", "it died"))
    *_, last = [event async for event in stream(generation)]
    assert data(last)["error"]["code"] == "model_crashed"


async def test_an_error_ends_a_message() -> None:
    generation = begun(Output(1, "hel", generated=1, cached=0))
    generation.fail(ModelCrashed("model", "it died"))
    *_, last = [event async for event in message(generation)]
    assert last.startswith("event: error\n")
    error = data(last)
    assert (error["error"]["type"], error["request_id"]) == ("overloaded_error", "req_1")
    assert "it died" in error["error"]["message"]


async def test_an_error_ends_a_response_as_failed() -> None:
    generation = begun(Output(1, "hel", generated=1, cached=0))
    generation.fail(ModelCrashed("model", "it died"))
    *_, last = [event async for event in response(generation)]
    failed = data(last)["response"]
    assert (data(last)["type"], failed["status"]) == ("response.failed", "failed")
    assert "it died" in failed["error"]["message"]
    assert failed["output"][0]["content"][0]["text"] == "hel"
    assert failed["output"][0]["status"] == "incomplete"


@pytest.mark.parametrize(
    ("stream", "module", "name"),
    [
        (chat, chunks, "usage"),
        (message, messages_answer, "_usage"),
        (response, responses_answer, "_usage"),
    ],
)
async def test_a_fault_in_a_stream_reveals_nothing(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    stream: Stream,
    module: object,
    name: str,
) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("a secret")

    generation = begun(Output(1, "x", generated=1, cached=0, finish="stop"))
    monkeypatch.setattr(module, name, broken)
    events = [event async for event in stream(generation)]
    assert "The server made a mistake" in events[-1]
    assert "secret" not in "".join(events)
    assert "a secret" in caplog.text


async def test_closing_cancels_once() -> None:
    cancelled: list[int] = []
    generation = Generation(7, cancelled.append)
    generation.close()
    generation.close()
    assert cancelled == [7]
