"""Requests in flight, without a worker."""

from __future__ import annotations

import asyncio

import pytest

from backend.engine.embed_messages import EmbedFailed
from backend.engine.inflight import InFlight, Job
from backend.engine.messages import Command, Sampling
from backend.errors import VectorsFailed

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
