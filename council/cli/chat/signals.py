"""Ctrl-C in a chat stops what is going on; where nobody is there to go on, it ends the chat."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio

from council.tasks import task_group

_PATIENCE = 3
"""How many times Ctrl-C is pressed by somebody whom stopping in order takes too long."""


class Signals:
    """Hears SIGINT and SIGTERM for as long as a chat goes on.

    Args:
        stays: Whether SIGINT stops only what is going on, and the chat goes on.
    """

    def __init__(self, *, stays: bool) -> None:
        self._stays = stays
        self._code: int | None = None
        self._whole: anyio.CancelScope | None = None
        self._now: anyio.CancelScope | None = None
        self._asked = 0

    async def run(self, work: Callable[[], Awaitable[None]]) -> int | None:
        """Runs a chat to its end, or to the signal that ends it.

        Returns:
            The exit code for that signal, 128 and its number; None where none came.
        """
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with task_group() as group:
                group.start_soon(self._listen, signals)
                with anyio.CancelScope() as self._whole:
                    await work()
                group.cancel_scope.cancel()
        return self._code

    @contextmanager
    def stoppable(self) -> Iterator[anyio.CancelScope]:
        """A block that SIGINT stops; its `cancelled_caught` says whether one did."""
        self._asked = 0
        with anyio.CancelScope() as scope:
            self._now = scope
            try:
                yield scope
            finally:
                self._now = None

    async def _listen(self, signals: AsyncIterator[signal.Signals]) -> None:
        async for number in signals:
            self._asked += 1
            if number == signal.SIGINT and self._stays and self._asked < _PATIENCE:
                if self._now is not None:
                    self._now.cancel()
            elif self._code is None and self._asked < _PATIENCE and self._whole is not None:
                self._code = 128 + number
                self._whole.cancel()
            else:
                # The bundled backend ends by itself when this process is gone.
                os._exit(128 + number)
