"""An agent made of several: the next one takes over when one fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from council.agents.base import Agent, has_begun
from council.errors import AgentError
from council.messages import ChatRequest, ChatToken, Notice
from council.tasks import close_all


class FallbackAgent:
    """Asks the first agent, and the next one if it fails before its first text.

    Once text has gone out it is too late: another model's words would go on in the middle of
    a sentence, so the error is raised.

    Args:
        id: The agent's name.
        agents: At least one, in the order of preference.
    """

    def __init__(self, id: str, agents: Sequence[Agent]) -> None:
        if not agents:
            raise ValueError("a FallbackAgent needs at least one agent")
        self.id = id
        self._agents = tuple(agents)

    @property
    def model(self) -> str:
        """The preferred agent's model."""
        return self._agents[0].model

    @property
    def agents(self) -> tuple[Agent, ...]:
        """Those it is made of."""
        return self._agents

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        """Streams the first reply that begins; raises the last agent's error if none does."""
        for position, agent in enumerate(self._agents):
            begun = False
            try:
                # Each agent knows its model under its own name.
                async with aclosing(agent.chat(replace(request, model=agent.model))) as tokens:
                    async for token in tokens:
                        begun = begun or has_begun(token)
                        yield token
                return
            except AgentError as error:
                if begun or position + 1 == len(self._agents):
                    raise
                following = self._agents[position + 1]
                notice = Notice("fallback", f"{agent.id} failed ({error}); asking {following.id}")
            yield ChatToken(notice=notice)

    async def aclose(self) -> None:
        """Closes all of the agents."""
        await close_all([agent.aclose for agent in self._agents])
