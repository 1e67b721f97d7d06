"""Task groups whose exceptions come out as themselves, and closing that goes on past errors."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
from anyio.abc import TaskGroup


@asynccontextmanager
async def task_group() -> AsyncGenerator[TaskGroup, None]:
    """A task group for code that callers run in the body of.

    A lone exception is raised as it is and not as a group: whoever writes `except ValueError`
    around a `with` block must not have to know that it holds tasks.
    """
    try:
        async with anyio.create_task_group() as group:
            yield group
    except BaseExceptionGroup as raised:
        error: BaseException = raised
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        if error is raised:
            raise
        # The group adds nothing; the error keeps its own cause.
        raise error from error.__cause__


async def close_all(closers: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Calls all of them, in order, whatever some raise; then raises the last error."""
    async with AsyncExitStack() as stack:
        for close in reversed(list(closers)):
            stack.push_async_callback(close)
