"""An agent whose calls of tools are run, until it answers in text."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

import anyio

from council.agents.around import AgentAround
from council.agents.base import Agent
from council.errors import AgentError, LimitReached
from council.expert import Expert
from council.messages import ChatMessage, ChatRequest, ChatToken, Notice, ToolCall, ToolUse
from council.tasks import task_group
from council.tools.calling import Outcome, outcome_of, shortened
from council.tools.shown import Shown
from council.tools.tool import Tool
from council.tools.turn import Turn

THREADS = 32
"""How many plain functions of a run are called at once."""


def tooled(
    experts: Sequence[Expert], tools: Sequence[Tool], turns: int, shown: Shown
) -> tuple[Expert, ...]:
    """The same experts with tools around their agents.

    Args:
        experts: Who is asked.
        tools: What they may call.
        turns: How many times a reply may ask for tools.
        shown: What of calls and results may be shown.
    """
    limiter = anyio.CapacityLimiter(THREADS)
    by_name = {tool.name: tool for tool in tools}
    return tuple(
        replace(expert, agent=Tooled(expert.agent, by_name, turns, limiter, shown))
        if expert.tools
        else expert
        for expert in experts
    )


class Tooled(AgentAround):
    """An agent with tools around it.

    This stands above the budget, which every request of the exchange has to fit into, and below the
    record, to which the exchange is one reply: whoever goes back to it runs no tool again.

    Args:
        agent: Who is asked.
        tools: What it may call, by name.
        turns: How many times a reply may ask for tools.
        limiter: Bounds how many plain functions run at once.
        shown: What of calls and results may be shown.
    """

    def __init__(
        self,
        agent: Agent,
        tools: Mapping[str, Tool],
        turns: int,
        limiter: anyio.CapacityLimiter,
        shown: Shown,
    ) -> None:
        super().__init__(agent)
        self._tools = tools
        self._turns = turns
        self._limiter = limiter
        self._shown = shown

    def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        """Streams one reply, tools and all; a request without tools goes to the agent as it is.

        Raises:
            AgentError: A turn failed, or was cut off within a call.
            LimitReached: The reply asked for tools once too often.
        """
        return self._exchange(request) if request.tools else self._agent.chat(request)

    async def _exchange(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        turn = Turn(request)
        while True:
            try:
                async with aclosing(self._agent.chat(request)) as tokens:
                    async for token in tokens:
                        yield turn.take(token)
            except AgentError:
                if turn.begun:
                    yield ChatToken(usage=turn.total)
                raise
            # With calls, `length` is said all the same: a limit of the run may be behind it.
            ended = turn.finish_reason if not turn.calls or turn.is_cut else None
            yield ChatToken(finish_reason=ended, usage=turn.total)
            if not turn.calls:
                return
            refused = self._refused(turn)
            if refused is not None:
                yield turn.held_back(self._shown)
                raise refused
            for call in turn.calls:
                yield ChatToken(notice=self._notice(call))
            outcomes = await self._outcomes(turn.calls)
            for call, outcome in zip(turn.calls, outcomes, strict=True):
                yield ChatToken(notice=self._notice(call, outcome))
            request = _answered(request, turn, outcomes)
            turn = Turn(request, turn.number + 1, turn.total)

    def _refused(self, turn: Turn) -> AgentError | None:
        """Why the calls of a turn cannot or must not be run; None where they may."""
        names = ", ".join(dict.fromkeys(call.name for call in turn.calls))
        if turn.is_cut:
            return AgentError(f"cut off at its token limit while it called a tool ({names})")
        if turn.number >= self._turns:
            count = f"{self._turns} turn{'' if self._turns == 1 else 's'}"
            return LimitReached(
                "tool_turns",
                f"no answer: it still calls tools ({names}) after {count} with tools"
                " (limits: {tool_turns: …}, max_tool_turns=…)",
            )
        return None

    async def _outcomes(self, calls: Sequence[ToolCall]) -> list[Outcome]:
        """What came of the calls of one turn, which run at the same time."""
        # What stays so was ended from outside: under asyncio a task can be.
        outcomes = [Outcome(f"{call.name} was ended before its end", True, 0.0) for call in calls]

        async def run(place: int, call: ToolCall) -> None:
            outcome = await outcome_of(call, self._tools, self._limiter)
            # An exception may hold what a result would not.
            text = self._shown.scrubbed(outcome.text) if outcome.failed else outcome.text
            outcomes[place] = replace(outcome, text=text)

        async with task_group() as group:
            for place, call in enumerate(calls):
                group.start_soon(run, place, call)
        return outcomes

    def _notice(self, call: ToolCall, outcome: Outcome | None = None) -> Notice:
        use = ToolUse(call.id, call.name, self._shown(call.arguments))
        if outcome is None:
            return Notice("tool", f"{call.name} is called", use)
        told = self._shown(outcome.text)
        use = replace(use, result=told, failed=outcome.failed, seconds=outcome.seconds)
        return Notice("tool", f"{call.name} has {'failed' if use.failed else 'returned'}", use)


def _answered(request: ChatRequest, turn: Turn, outcomes: Sequence[Outcome]) -> ChatRequest:
    """The request that goes on after the calls of a turn."""
    told = (
        # Shortened last: of JSON that was cut, or of half a secret, nobody can tell what to hide.
        ChatMessage("tool", shortened(outcome.text), tool_call_id=call.id)
        for call, outcome in zip(turn.calls, outcomes, strict=True)
    )
    return replace(request, messages=(*request.messages, turn.message, *told))
