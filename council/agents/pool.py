"""One expert at several endpoints: the least busy first, the next one when one fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import anyio

from council.agents.fallback import FallbackAgent
from council.agents.gate import GatedAgent
from council.messages import ChatRequest, ChatToken
from council.tasks import close_all


class PoolAgent:
    """Spreads requests over endpoints that serve the same model.

    Args:
        id: The agent's name.
        agents: One for each endpoint.
    """

    def __init__(self, id: str, agents: Sequence[GatedAgent]) -> None:
        self.id = id
        self._agents = tuple(agents)

    @property
    def model(self) -> str:
        """The model's name at the first endpoint."""
        return self._agents[0].model

    @property
    def agents(self) -> tuple[GatedAgent, ...]:
        """Those it is made of."""
        return self._agents

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        """Streams the reply of the first endpoint that begins one."""
        now = anyio.current_time()
        # Stable: among equals the order of the panel file decides.
        order = sorted(self._agents, key=lambda a: (a.gate.breaker.open_for(now) > 0, a.gate.busy))
        async with aclosing(FallbackAgent(self.id, order).chat(request)) as tokens:
            async for token in tokens:
                yield token

    async def aclose(self) -> None:
        """Closes all of the agents."""
        await close_all([agent.aclose for agent in self._agents])
