"""A second request when the first token is late; the slower one is cancelled.

This is no agent: two requests at once need a task group, and an agent's generator must not yield
inside one. A context manager may.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from council.agents.base import Agent, has_begun
from council.errors import AgentError
from council.messages import ChatRequest, ChatToken, Notice
from council.tasks import task_group

_BUFFER = 64


@asynccontextmanager
async def open_reply(
    agent: Agent, request: ChatRequest, hedge_after: float | None
) -> AsyncGenerator[AsyncIterator[ChatToken], None]:
    """The tokens of one reply, from whichever of up to two requests begins first.

    Args:
        agent: Who is asked.
        request: What it is asked.
        hedge_after: Seconds without a token before the second request; None for only one.
    """
    if hedge_after is None:
        async with aclosing(agent.chat(request)) as tokens:
            yield tokens
        return
    race = _Race(agent, request, hedge_after)
    async with task_group() as group:
        group.start_soon(race.run)
        async with aclosing(race.tokens()) as tokens:
            yield tokens
        group.cancel_scope.cancel()


class _Race:
    """Two requests of one kind; the first whose reply begins, or fails last, is the reply."""

    def __init__(self, agent: Agent, request: ChatRequest, hedge_after: float) -> None:
        self._agent = agent
        self._request = request
        self._hedge_after = hedge_after
        self._send, self._receive = anyio.create_memory_object_stream[ChatToken](_BUFFER)
        self._scopes = (anyio.CancelScope(), anyio.CancelScope())
        self._winner: int | None = None
        self._first_failed = anyio.Event()
        self._begun = anyio.Event()
        self._error: AgentError | None = None

    async def tokens(self) -> AsyncGenerator[ChatToken, None]:
        """The winner's tokens; raises the last error where both failed."""
        with self._receive:
            async for token in self._receive:
                yield token
        if self._winner is None and self._error is not None:
            raise self._error

    async def run(self) -> None:
        """Runs both requests, the second one when the first is late."""
        async with self._send, anyio.create_task_group() as group:
            group.start_soon(self._runner, 0)
            with anyio.move_on_after(self._hedge_after):
                await self._either()
            if self._winner is None and not self._first_failed.is_set():
                notice = f"no token for {self._hedge_after:g} s; asking a second time"
                await self._send.send(ChatToken(notice=Notice("hedge", notice)))
                group.start_soon(self._runner, 1)

    async def _either(self) -> None:
        """Waits until the first request has begun or failed."""
        async with anyio.create_task_group() as group:

            async def wait(event: anyio.Event) -> None:
                await event.wait()
                group.cancel_scope.cancel()

            group.start_soon(wait, self._begun)
            group.start_soon(wait, self._first_failed)

    async def _runner(self, number: int) -> None:
        with self._scopes[number]:
            try:
                async with aclosing(self._agent.chat(self._request)) as tokens:
                    async for token in tokens:
                        await self._forward(number, token, self._send)
                self._win(number)
            except AgentError as error:
                if self._winner == number:
                    # The reply had begun: there is no way back, its error is the race's.
                    self._winner = None
                self._error = error
                self._first_failed.set()

    async def _forward(
        self, number: int, token: ChatToken, send: MemoryObjectSendStream[ChatToken]
    ) -> None:
        if has_begun(token) or token.finish_reason is not None:
            self._win(number)
        await send.send(token)

    def _win(self, number: int) -> None:
        if self._winner is None:
            self._winner = number
            self._begun.set()
            self._scopes[1 - number].cancel()
