"""Agents brought into the situations in which their contract is checked."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal, get_args

import anyio

from council.agents.base import Agent
from council.agents.scripted import Script, ScriptedAgent
from council.errors import StreamError, TransportError
from council.testing.misbehaving import Reply, misbehaving_server

Situation = Literal["whole", "no-text", "cut", "refused", "endless", "silent"]
"""What an agent is asked in: a whole reply with text; a whole one without; a failure after some
text, and one before any; a reply that begins with text and does not end; no reply at all."""

SITUATIONS: tuple[Situation, ...] = get_args(Situation)

AgentFactory = Callable[[Situation], "Agent | AbstractAsyncContextManager[Agent] | None"]
"""Makes a new agent that every request finds in that situation, or a context manager of one; None
where an agent of this kind cannot be brought into it."""

_SCRIPTS: dict[Situation, Script] = {
    "whole": "The sum is 42.",
    "no-text": (),
    "cut": ("The sum ", StreamError("cut off")),
    "refused": TransportError("refused"),
    "endless": lambda _: itertools.repeat("and on "),
    "silent": (anyio.sleep_forever,),
}

_BEHAVIOURS: dict[Situation, Reply] = {
    "whole": "whole",
    "no-text": "no-text",
    "cut": "cut",
    "refused": "refused",
    "endless": "stall",
    "silent": "silent",
}


def _itself(agent: ScriptedAgent) -> Agent:
    return agent


def scripted(wrap: Callable[[ScriptedAgent], Agent] = _itself) -> AgentFactory:
    """A factory of agents around scripted ones.

    Args:
        wrap: Makes the agent to be checked from the one that it asks.

    Example:
        >>> await check_agent(scripted(lambda agent: FallbackAgent("both", [agent])))
    """

    def make(situation: Situation) -> Agent:
        return wrap(ScriptedAgent("ada", _SCRIPTS[situation]))

    return make


def over_http(
    build: Callable[[str], Agent], replies: Mapping[Situation, Reply] | None = None
) -> AgentFactory:
    """A factory of agents that ask a server over HTTP.

    Args:
        build: Makes the agent from the server's URL.
        replies: What the server sends in each situation, by default as OpenAI's chat API has it.

    Example:
        >>> await check_agent(over_http(lambda url: OpenAIHTTPAgent("ada", "m", url)))
    """
    sent = _BEHAVIOURS if replies is None else replies

    @asynccontextmanager
    async def served(reply: Reply) -> AsyncGenerator[Agent, None]:
        # In a thread, so that the server's tasks are not taken for the agent's.
        async with misbehaving_server(reply, in_thread=True) as server:
            agent = build(server.url)
            try:
                yield agent
            finally:
                await agent.aclose()

    def make(situation: Situation) -> AbstractAsyncContextManager[Agent] | None:
        return served(sent[situation]) if situation in sent else None

    return make
