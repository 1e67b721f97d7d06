"""The contract of an agent, as a suite that runs; see `council.agents.base.Agent`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise

import anyio

from council.agents.base import Agent
from council.errors import AgentError
from council.hedge import open_reply
from council.messages import ChatMessage, ChatRequest, ChatToken
from council.tasks import task_group
from council.testing.agent_factories import AgentFactory, Situation
from council.testing.cancelling import cancel_twice
from council.testing.contract import ContractError, Impossible, require, run_checks
from council.testing.leaks import no_tasks_left, nothing_left

REQUEST = ChatRequest("", (ChatMessage("user", "What is 17 + 25?"),))
"""What agents are asked."""

_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked.

    Attributes:
        factory: Makes agents.
        hedge_after: As of the experts that ask them.
        settle: Seconds within which what a reply held has to be gone.
    """

    factory: AgentFactory
    hedge_after: float | None
    settle: float

    @asynccontextmanager
    async def open(self, situation: Situation) -> AsyncGenerator[Agent, None]:
        """An agent for the length of the block, of which nothing may be left afterwards."""
        made = self.factory(situation)
        if made is None:
            raise Impossible
        async with nothing_left(self.settle):
            if isinstance(made, AbstractAsyncContextManager):
                async with made as agent:
                    yield agent
                return
            try:
                yield made
            finally:
                await made.aclose()

    def reply(self, agent: Agent) -> AbstractAsyncContextManager[AsyncIterator[ChatToken]]:
        """One reply, consumed as panels do."""
        return open_reply(agent, REQUEST, self.hedge_after)

    async def ask(self, agent: Agent) -> list[ChatToken]:
        """All tokens of one reply."""
        async with self.reply(agent) as tokens:
            return [token async for token in tokens]

    async def wait(self, agent: Agent) -> None:
        """Waits for a reply that is never to come."""
        tokens = await self.ask(agent)
        raise ContractError(f"a reply that was never to come ended, with {tokens}")

    async def begin(self, agent: Agent, begun: anyio.Event | None = None) -> None:
        """Reads a reply to its first text, then waits for ever if it is to say when."""
        async with self.reply(agent) as tokens:
            async for token in tokens:
                if token.text and begun is None:
                    return
                if token.text and begun is not None:
                    begun.set()
        raise ContractError("a reply that was to go on for ever ended")


async def check_agent(
    factory: AgentFactory,
    *,
    checks: Collection[str] | None = None,
    hedge_after: float | None = None,
    patience: float = 60.0,
    settle: float = 10.0,
) -> tuple[str, ...]:
    """Checks that agents keep their contract, under whatever event loop this runs.

    Args:
        factory: Makes them; `scripted` and `over_http` make factories.
        checks: The names of the checks to make, of `AGENT_CHECKS`; None for all.
        hedge_after: Asks as an expert with that setting does: a second time after so many seconds.
        patience: Seconds that each check may take.
        settle: Seconds within which tasks, sockets and files that a reply held have to be gone.

    Returns:
        The names of the checks that were made. Those that need a situation for which the factory
        gives None are left out.

    Raises:
        ContractError: A rule is broken; the message says which.
    """
    subject = Subject(factory, hedge_after, settle)
    return await run_checks(AGENT_CHECKS, checks, subject, patience)


async def _names(subject: Subject) -> None:
    async with subject.open("whole") as agent:
        require(isinstance(agent, Agent), "it lacks one of id, model, chat and aclose")
        named = agent.id, agent.model
        require(all(named), f"its id and model are {named}: neither may be empty")
        tokens = agent.chat(REQUEST)
        require(isinstance(tokens, AsyncGenerator), f"chat gives no async generator but {tokens}")
        await tokens.aclose()
        await subject.ask(agent)
        require((agent.id, agent.model) == named, "asking it changed its id or its model")


async def _whole(subject: Subject) -> None:
    async with subject.open("whole") as agent:
        tokens = await subject.ask(agent)
        _require_whole(tokens)
        require(_text(tokens), "its whole reply has no text")


async def _no_text(subject: Subject) -> None:
    async with subject.open("no-text") as agent:
        tokens = await subject.ask(agent)
        _require_whole(tokens)
        require(not _text(tokens), "its reply without text has some")


async def _usage(subject: Subject) -> None:
    async with subject.open("whole") as agent:
        counts = [token.usage for token in await subject.ask(agent) if token.usage]
    for before, after in pairwise(counts):
        grows = before.completion_tokens <= after.completion_tokens
        require(grows, f"its last usage is not the one that holds: {before} before {after}")
    for usage in counts:
        fewest = min(usage.prompt_tokens, usage.completion_tokens)
        require(fewest >= 0, f"it counts fewer than no tokens: {usage}")


async def _cut(subject: Subject) -> None:
    async with subject.open("cut") as agent:
        said, error = await _failure(subject, agent)
        require(said, "nothing came before the failure, which was to come after some text")
        require(error.partial == said, f"{said!r} had arrived, but `partial` is {error.partial!r}")


async def _refused(subject: Subject) -> None:
    async with subject.open("refused") as agent:
        said, error = await _failure(subject, agent)
        require(not said, f"{said!r} came before a failure that was to come first")
        require(not error.partial, f"nothing had arrived, but `partial` is {error.partial!r}")
        require(str(error), "its error says nothing")


async def _failure(subject: Subject, agent: Agent) -> tuple[str, AgentError]:
    """The text that came before a failure, and the failure."""
    said = ""
    try:
        async with subject.reply(agent) as tokens:
            async for token in tokens:
                said += token.text
    except AgentError as error:
        return said, error
    except Exception as error:
        raise ContractError(f"it raised {error!r}, which is no AgentError") from error
    raise ContractError(f"a reply that failed after {said!r} ended as if it were whole")


async def _closed(subject: Subject) -> None:
    async with subject.open("endless") as agent, no_tasks_left(subject.settle):
        await subject.begin(agent)
        await subject.begin(agent)


async def _cancelled(subject: Subject) -> None:
    async with (
        subject.open("endless") as agent,
        no_tasks_left(subject.settle),
        task_group() as group,
    ):
        begun = anyio.Event()
        group.start_soon(subject.begin, agent, begun)
        await begun.wait()
        group.cancel_scope.cancel()


async def _cancelled_early(subject: Subject) -> None:
    async with subject.open("silent") as agent:
        for turns in range(3):
            async with no_tasks_left(subject.settle), task_group() as group:
                group.start_soon(subject.wait, agent)
                for _ in range(turns):
                    await anyio.wait_all_tasks_blocked()
                group.cancel_scope.cancel()


async def _cancelled_twice(subject: Subject) -> None:
    async with subject.open("endless") as agent:
        for turns in range(6):
            begun = anyio.Event()
            async with no_tasks_left(subject.settle):
                await cancel_twice(_begin(subject, agent, begun), begun.wait, turns)
        await subject.begin(agent)


def _begin(subject: Subject, agent: Agent, begun: anyio.Event) -> Callable[[], Awaitable[None]]:
    return lambda: subject.begin(agent, begun)


async def _at_once(subject: Subject) -> None:
    replies: list[Sequence[ChatToken]] = []

    async def ask() -> None:
        replies.append(await subject.ask(agent))

    async with subject.open("whole") as agent:
        async with task_group() as group:
            for _ in range(_AT_ONCE):
                group.start_soon(ask)
            # One that is left early is nothing to the others.
            group.start_soon(_leave, subject, agent)
        for tokens in replies:
            _require_whole(tokens)
            require(_text(tokens), "of several replies at once, one has no text")


async def _leave(subject: Subject, agent: Agent) -> None:
    async with subject.reply(agent) as tokens:
        await anext(tokens)


async def _scopes(subject: Subject) -> None:
    async def read() -> None:
        async with subject.reply(agent) as tokens:
            try:
                while True:
                    with anyio.CancelScope():
                        await anext(tokens)
            except StopAsyncIteration:
                return

    async with subject.open("whole") as agent:
        try:
            # In a task of its own, whose scopes are ruined where the rule is broken.
            async with task_group() as group:
                group.start_soon(read)
        except RuntimeError as error:
            raise ContractError(
                f"it yields inside a cancel scope or a task group of its own: {error}"
            ) from error


async def _closing(subject: Subject) -> None:
    async with subject.open("whole") as agent:
        await agent.aclose()
        await agent.aclose()
    async with subject.open("whole") as agent:
        await subject.ask(agent)
        await agent.aclose()
        await agent.aclose()


AGENT_CHECKS: dict[str, Callable[[Subject], Awaitable[None]]] = {
    "names": _names,
    "whole": _whole,
    "no text": _no_text,
    "usage": _usage,
    "failure after text": _cut,
    "failure before text": _refused,
    "closed in mid-reply": _closed,
    "cancelled in mid-reply": _cancelled,
    "cancelled before the reply": _cancelled_early,
    "cancelled twice": _cancelled_twice,
    "several at once": _at_once,
    "no scope around a yield": _scopes,
    "closed twice": _closing,
}
"""All checks of the suite, by name; the order is that of `check_agent`."""


def _require_whole(tokens: Sequence[ChatToken]) -> None:
    for token in tokens:
        require(isinstance(token, ChatToken), f"it yields {token!r}, which is no ChatToken")
    first = [token for token in tokens if token.choice == 0]
    ends = [place for place, token in enumerate(first) if token.finish_reason is not None]
    require(len(ends) == 1, f"a whole reply has one finish reason, not {len(ends)}")
    late = _text(first[ends[0] + 1 :])
    require(not late, f"{late!r} comes after the finish reason")


def _text(tokens: Sequence[ChatToken]) -> str:
    return "".join(token.text for token in tokens)
