"""An agent that tries again when it is worth it, and says so."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from random import Random

import anyio

from council.agents.around import AgentAround
from council.agents.base import Agent, has_begun
from council.errors import AgentError
from council.messages import ChatRequest, ChatToken, Notice
from council.retry import RetryPolicy


class RetryAgent(AgentAround):
    """Asks an agent again after a failure, as long as nothing of the reply has gone out.

    Args:
        agent: Who is asked.
        policy: How often and how patiently.
        random: The source of jitter.
    """

    def __init__(
        self, agent: Agent, policy: RetryPolicy | None = None, *, random: Random | None = None
    ) -> None:
        super().__init__(agent)
        self._policy = policy or RetryPolicy()
        self._random = random or Random()

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        """Streams the first try that begins, with a notice before each further try."""
        tried = 0
        while True:
            tried += 1
            begun = False
            try:
                async with aclosing(self._agent.chat(request)) as tokens:
                    async for token in tokens:
                        begun = begun or has_begun(token)
                        yield token
                return
            except AgentError as error:
                wait = None if begun else self._policy.wait(tried, error, self._random)
                if wait is None or wait >= _seconds_left():
                    raise
                tries = f"try {tried + 1} of {self._policy.retries + 1}"
                notice = Notice("retry", f"{error}; {tries} in {wait:.1f} s")
            yield ChatToken(notice=notice)
            await anyio.sleep(wait)


def _seconds_left() -> float:
    # Waiting past the run's deadline would turn a clear error into a vague one.
    return anyio.current_effective_deadline() - anyio.current_time()
