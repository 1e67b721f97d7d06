"""Consuming an agent's reply as the contract asks for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from council.agents.base import Agent
from council.messages import ChatRequest, ChatToken


async def collect(agent: Agent, request: ChatRequest) -> list[ChatToken]:
    """All tokens of one reply."""
    async with aclosing(agent.chat(request)) as tokens:
        return [token async for token in tokens]


def text(tokens: Sequence[ChatToken]) -> str:
    """Their text."""
    return "".join(token.text for token in tokens)
