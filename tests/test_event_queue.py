"""Events on their way from a run to whoever watches it."""

from __future__ import annotations

import anyio
import pytest

from council.event_queue import EventQueue
from council.events import AnswerToken, Event

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def event(number: int) -> AnswerToken:
    return AnswerToken(float(number), str(number))


async def test_events_come_in_order_and_then_the_end() -> None:
    queue = EventQueue()
    for number in range(3):
        queue.put(event(number))
    queue.close()
    assert [taken async for taken in queue] == [event(number) for number in range(3)]
    assert [taken async for taken in queue] == []


async def test_a_reader_that_waits_is_woken() -> None:
    queue, taken = EventQueue(), list[Event]()

    async def read() -> None:
        async for one in queue:
            taken.append(one)

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        for number in range(3):
            await anyio.wait_all_tasks_blocked()
            queue.put(event(number))
        queue.close()
    assert taken == [event(number) for number in range(3)]


async def test_two_readers_share_the_events() -> None:
    queue, taken = EventQueue(), list[Event]()

    async def read() -> None:
        async for one in queue:
            taken.append(one)

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        group.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        for number in range(10):
            queue.put(event(number))
        queue.close()
    assert taken == [event(number) for number in range(10)]


async def test_a_cancelled_reader_is_cancelled_and_not_at_the_end() -> None:
    queue = EventQueue()
    ended = False
    with anyio.CancelScope() as scope:
        scope.cancel()
        queue.close()
        async for _ in queue:
            pass
        ended = True
    assert scope.cancelled_caught
    assert not ended
