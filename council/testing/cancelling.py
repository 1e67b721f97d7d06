"""Cancelling in the ways in which users of each event loop do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import anyio
import anyio.lowlevel

from council.tasks import task_group


class _Cancellable(Protocol):
    """A task or a scope."""

    def cancel(self) -> object: ...


async def cancel_twice(
    work: Callable[[], Any], when: Callable[[], Awaitable[object]], turns: int
) -> None:
    """Cancels some work, and again while the cancellation is being handled.

    Under asyncio its task is cancelled, as `asyncio.timeout` and servers do it; else a scope within
    a scope.

    Args:
        work: Called without arguments, gives a coroutine.
        when: What to wait for before the first cancellation.
        turns: Turns of the event loop between the two.
    """
    if _under_asyncio():
        task = asyncio.create_task(work())
        await _cancel_both(task, task, when, turns)
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()
        return
    async with task_group() as group:
        outer, inner = anyio.CancelScope(), anyio.CancelScope()
        group.start_soon(_cancel_both, inner, outer, when, turns)
        with outer, inner:
            await work()
        group.cancel_scope.cancel()


async def _cancel_both(
    first: _Cancellable,
    second: _Cancellable,
    when: Callable[[], Awaitable[object]],
    turns: int,
) -> None:
    await when()
    first.cancel()
    for _ in range(turns):
        await anyio.lowlevel.checkpoint()
    second.cancel()


def _under_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
