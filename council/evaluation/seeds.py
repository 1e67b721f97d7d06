"""Seeds that differ from question to question, so that questions are independent draws."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from council.agents.base import Agent
from council.expert import Expert
from council.messages import ChatRequest, ChatToken

_SEEDS = 2**31  # what every server takes


class Reseeded:
    """An agent whose requests have a seed of their own for each text, where they have a seed.

    A panel file's seed is the same for each question. A server then makes the same random numbers
    for each, and one unlucky seed is unlucky on hundreds of questions at once: shares and intervals
    would be about that seed.

    Args:
        agent: Who answers; stays its owner's to close.
        seed: Equal seeds give equal requests.
    """

    def __init__(self, agent: Agent, seed: int) -> None:
        self.id = agent.id
        self.model = agent.model
        self._agent = agent
        self._seed = seed

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        """Streams the agent's reply; errors as for the agent."""
        async with aclosing(self._agent.chat(self._reseeded(request))) as tokens:
            async for token in tokens:
                yield token

    async def aclose(self) -> None:
        """Leaves the agent open."""

    def _reseeded(self, request: ChatRequest) -> ChatRequest:
        seed = request.sampling.seed
        if seed is None:
            return request
        said = [message.text for message in request.messages]
        mixed = hashlib.sha256("\x1f".join([str(self._seed), str(seed), *said]).encode()).digest()
        number = int.from_bytes(mixed[:8], "big") % _SEEDS
        return replace(request, sampling=replace(request.sampling, seed=number))


def reseeded(experts: tuple[Expert, ...], seed: int) -> tuple[Expert, ...]:
    """The experts, asked with seeds of their own for each question."""
    return tuple(replace(expert, agent=Reseeded(expert.agent, seed)) for expert in experts)
