"""One timer for a whole reply: limits that pass, and cancellations that are not its own."""

from __future__ import annotations

import asyncio
import time

import anyio
import anyio.lowlevel
import pytest

from council.agents.watchdog import watchdog
from council.errors import AgentTimeout
from council.limits import ProgressClock, Timeouts

pytestmark = pytest.mark.anyio

LONG = 3600.0


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def clock(**limits: float) -> ProgressClock:
    given = {"connect": LONG, "first_token": LONG, "idle": LONG, "total": LONG, **limits}
    return ProgressClock(Timeouts(**given), anyio.current_time())


@pytest.mark.parametrize("limit", ["first_token", "total"])
async def test_a_wait_that_lasts_too_long(limit: str) -> None:
    guard = watchdog(clock(**{limit: 0.02}))
    with pytest.raises(AgentTimeout) as caught, guard:
        await anyio.sleep_forever()
    guard.close()
    assert caught.value.limit == limit


async def test_a_shorter_limit_holds_once_there_is_a_token() -> None:
    its = clock(first_token=LONG, idle=0.02)
    guard = watchdog(its)
    with guard:
        await anyio.lowlevel.checkpoint()
    its.has_token = True
    with pytest.raises(AgentTimeout) as caught, guard:
        await anyio.sleep_forever()
    guard.close()
    assert caught.value.limit == "idle"


async def test_many_waits_within_their_limit_are_none_too_long() -> None:
    its = clock(idle=0.2)
    its.has_token = True
    guard = watchdog(its)
    ends = anyio.current_time() + 0.5  # longer than the limit of each of them
    while anyio.current_time() < ends:
        with guard:
            await anyio.lowlevel.checkpoint()
    guard.close()


async def test_time_between_waits_is_not_the_servers() -> None:
    its = clock(idle=0.05)
    its.has_token = True
    guard = watchdog(its)
    with guard:
        await anyio.lowlevel.checkpoint()
    await anyio.sleep(0.15)  # a reader that takes its time: the timer fires and finds no wait
    with guard:
        await anyio.lowlevel.checkpoint()
    guard.close()


async def test_a_cancellation_from_outside_is_no_timeout() -> None:
    guard = watchdog(clock())
    with anyio.move_on_after(0.02) as scope:
        with guard:
            await anyio.sleep_forever()
    guard.close()
    assert scope.cancelled_caught


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_cancellation_in_the_turn_of_the_timeout_wins() -> None:
    async def waits() -> None:
        guard = watchdog(clock(total=0.02))
        try:
            with guard:
                await asyncio.get_running_loop().create_future()
        finally:
            guard.close()

    task = asyncio.ensure_future(waits())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.02, task.cancel)
    time.sleep(0.1)  # noqa: ASYNC251 - holds the loop, so that both are due in its next turn
    await asyncio.wait([task])
    assert task.cancelled()
