"""What agents around another agent have in common."""

from __future__ import annotations

from council.agents.base import Agent


class AgentAround:
    """An agent that adds something to another one, has its names and closes it.

    Subclasses give `chat`.

    Args:
        agent: Who is asked.
    """

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    @property
    def id(self) -> str:
        """The agent's id."""
        return self._agent.id

    @property
    def model(self) -> str:
        """The agent's model."""
        return self._agent.model

    @property
    def inner(self) -> Agent:
        """The agent that is asked."""
        return self._agent

    async def aclose(self) -> None:
        """Closes the agent."""
        await self._agent.aclose()
