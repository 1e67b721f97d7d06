"""Requests in flight, without a worker."""

from __future__ import annotations

import asyncio

import pytest

from backend.engine.embed_messages import EmbedFailed
from backend.engine.inflight import InFlight, Job
from backend.engine.messages import Command, Rejected, Sampling
from backend.engine.vocabulary_messages import Detokenize, Tokenize, Tokenized
from backend.errors import InvalidRequest, ShuttingDown, VectorsFailed

pytestmark = pytest.mark.anyio
JOB = Job("prompt", Sampling(), None, ())


async def test_what_cannot_be_sent_is_not_waited_for() -> None:
    def refuse(command: Command) -> None:
        raise ValueError(command)

    inflight = InFlight("model", refuse, lambda: None)
    with pytest.raises(ValueError, match="prompt"):
        inflight.chat(JOB)
    with pytest.raises(ValueError, match="text"):
        await inflight.embed(("text",))
    assert len(inflight) == 0


async def test_vectors_that_cannot_be_computed_are_not_the_clients_fault() -> None:
    sent = asyncio.Event()
    inflight = InFlight("model", lambda _: sent.set(), lambda: None)
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(fails(inflight))
        await sent.wait()
        inflight.answer(EmbedFailed(1, "there is not enough memory"))
    error = asked.result()
    assert (error.status, error.code) == (503, "vectors_failed")
    assert "'model' made no vectors: there is not enough memory" in error.message


async def fails(inflight: InFlight) -> VectorsFailed:
    with pytest.raises(VectorsFailed) as caught:
        await inflight.embed(("text",))
    return caught.value


async def test_what_the_vocabulary_says_comes_to_who_asked() -> None:
    sent: asyncio.Queue[Command] = asyncio.Queue()
    inflight = InFlight("model", sent.put_nowait, lambda: None)
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(inflight.look_up(lambda number: Tokenize(number, "text")))
        assert await sent.get() == Tokenize(1, "text")
        assert len(inflight) == 1
        inflight.answer(Tokenized(1, (7, 8)))
    assert asked.result() == Tokenized(1, (7, 8))
    assert len(inflight) == 0


async def test_who_asks_the_vocabulary_is_told_of_the_end() -> None:
    sent = asyncio.Event()
    inflight = InFlight("model", lambda _: sent.set(), lambda: None)

    async def ends() -> None:
        with pytest.raises(ShuttingDown):
            await inflight.look_up(lambda number: Detokenize(number, (1,)))

    async with asyncio.TaskGroup() as group:
        group.create_task(ends())
        await sent.wait()
        inflight.fail(ShuttingDown())
    assert len(inflight) == 0


async def test_an_empty_prompt_is_said_to_be_empty() -> None:
    inflight = InFlight("model", lambda _: None, lambda: None)
    generation = inflight.chat(JOB)
    inflight.answer(Rejected(1, prompt_tokens=0, ctx=64))
    with pytest.raises(InvalidRequest, match="empty"):
        await generation.accepted()
