"""Ctrl-C and termination while something runs: the first stops it in order, the second at once."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio

from council.tasks import task_group


async def run_until_signal(
    work: Callable[[], Awaitable[None]], on_signal: Callable[[], None] | None = None
) -> int | None:
    """Runs `work` to its end or to the first SIGINT or SIGTERM.

    Args:
        work: What to do; cancelled by the first signal.
        on_signal: Called before that, to show what there is so far.

    Returns:
        The exit code for the signal, 128 and its number; None where none came.
    """
    codes: list[int] = []

    async def listen(signals: AsyncIterator[signal.Signals], scope: anyio.CancelScope) -> None:
        async for number in signals:
            if codes:
                # Asked twice: the bundled backend ends by itself when this process is gone.
                os._exit(128 + number)
            codes.append(128 + number)
            if on_signal is not None:
                on_signal()
            scope.cancel()

    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with task_group() as group:
            scope = anyio.CancelScope()
            # Outside of the scope it cancels: a second signal must be heard while the first
            # one's closing goes on.
            group.start_soon(listen, signals, scope)
            with scope:
                await work()
            group.cancel_scope.cancel()
    return codes[0] if codes else None
