"""Task groups whose exceptions come out as themselves."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

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
