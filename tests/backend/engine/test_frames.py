"""Messages survive the trip, and cut frames end the stream quietly."""

from __future__ import annotations

import asyncio
import io

import pytest
from pydantic import ValidationError

from backend.engine.frames import encode_command, encode_event, read_commands, read_event
from backend.engine.messages import (
    Accepted,
    Cancel,
    Command,
    Event,
    Load,
    Loaded,
    LoadFailed,
    Output,
    Progress,
    Rejected,
    Sampling,
    Stats,
    Step,
    Submit,
)

COMMANDS: list[Command] = [
    Load(path="a\nb/ü.gguf", ctx=1, parallel=2, threads=3, gpu_layers=-1),
    Submit(id=1, prompt="x\x00\u2028", sampling=Sampling(seed=-1), max_tokens=None, stop=("a", "")),
    Cancel(id=7),
]
EVENTS: list[Event] = [
    Progress(0.5),
    Loaded(ctx=1, cells=2, template=None, bos="", eos="</s>", fingerprint="fp"),
    LoadFailed("no such file"),
    Accepted(id=1, prompt_tokens=2),
    Rejected(id=1, prompt_tokens=2, ctx=1),
    Step(outputs=(Output(1, "é", 2, 0, "stop"), Output(2, "", 1, 0)), stats=Stats(active=1)),
]


def test_commands_survive() -> None:
    stream = io.BytesIO(b"".join(map(encode_command, COMMANDS)))
    assert list(read_commands(stream)) == COMMANDS


@pytest.mark.anyio
async def test_events_survive() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"".join(map(encode_event, EVENTS)))
    reader.feed_eof()
    assert [await read_event(reader) for _ in EVENTS] == EVENTS
    assert await read_event(reader) is None


@pytest.mark.anyio
@pytest.mark.parametrize("size", range(1, len(encode_event(EVENTS[0]))))
async def test_a_cut_frame_is_the_end(size: int) -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(encode_event(EVENTS[0])[:size])
    reader.feed_eof()
    assert await read_event(reader) is None


@pytest.mark.parametrize("size", range(len(encode_command(COMMANDS[2]))))
def test_a_cut_command_is_the_end(size: int) -> None:
    assert list(read_commands(io.BytesIO(encode_command(COMMANDS[2])[:size]))) == []


def test_other_messages_are_refused() -> None:
    frame = encode_event(EVENTS[0])
    with pytest.raises(ValidationError):
        list(read_commands(io.BytesIO(frame)))
