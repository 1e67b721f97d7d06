"""Whether tasks and open files are gone again."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel

from council.testing.contract import ContractError

_PATIENCE = 10.0


@asynccontextmanager
async def nothing_left(patience: float = _PATIENCE) -> AsyncGenerator[None, None]:
    """Waits, at the end of the block, until tasks and open files are those of before.

    Files (sockets are among them) are counted where the system lists them under `/dev/fd`.

    Args:
        patience: Seconds after which what is still there has been left behind.

    Raises:
        ContractError: Something was left behind.
    """
    tasks, files = running(), open_files()
    yield
    await _settle(
        lambda: not running() - tasks and open_files() <= files,
        lambda: f"left behind: {_named(running() - tasks)}, {open_files() - files} open files",
        patience,
    )


@asynccontextmanager
async def no_tasks_left(patience: float = _PATIENCE) -> AsyncGenerator[None, None]:
    """As `nothing_left`, but for tasks alone."""
    tasks = running()
    yield
    await _settle(
        lambda: not running() - tasks,
        lambda: f"left behind: {_named(running() - tasks)}",
        patience,
    )


def running() -> set[anyio.TaskInfo]:
    """The tasks of this event loop."""
    return set(anyio.get_running_tasks())


def open_files() -> int:
    """How many files this process has open; 0 where the system does not tell."""
    try:
        return len(os.listdir("/dev/fd"))
    except OSError:
        return 0


def _named(tasks: set[anyio.TaskInfo]) -> str:
    return f"tasks {sorted(str(task.name) for task in tasks)}"


async def _settle(done: Callable[[], bool], left: Callable[[], str], patience: float) -> None:
    with anyio.move_on_after(patience):
        while not done():
            await anyio.lowlevel.checkpoint()
    # Looked at once more: the last look may have been the one that was cancelled.
    if not done():
        raise ContractError(left())
