"""The suite for agents sees what breaks the contract, and says which rule it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, TextIO

import anyio
import pytest
from anyio.abc import TaskGroup

from council.agents.scripted import ScriptedAgent
from council.errors import StreamError
from council.messages import ChatRequest, ChatToken, Usage
from council.testing import AGENT_CHECKS, ContractError, Situation, check_agent, scripted

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Wrapped:
    """An agent around a scripted one; each subclass breaks one rule."""

    id = "ada"
    model = "m"

    def __init__(self, agent: ScriptedAgent) -> None:
        self.agent = agent

    def change(self, token: ChatToken) -> ChatToken | None:
        return token

    async def fail(self, error: StreamError) -> ChatToken:
        raise error

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        try:
            async with aclosing(self.agent.chat(request)) as tokens:
                async for token in tokens:
                    changed = self.change(token)
                    if changed is not None:
                        yield changed
        except StreamError as error:
            yield await self.fail(error)

    async def aclose(self) -> None:
        await self.agent.aclose()


class Nameless(Wrapped):
    id = ""


class Renamed(Wrapped):
    def change(self, token: ChatToken) -> ChatToken:
        self.model = token.text
        return token


class WithoutEnd(Wrapped):
    def change(self, token: ChatToken) -> ChatToken | None:
        return None if token.finish_reason else token


class EndsTwice(Wrapped):
    def change(self, token: ChatToken) -> ChatToken | None:
        return ChatToken(token.text, finish_reason="stop")


class Mute(Wrapped):
    def change(self, token: ChatToken) -> ChatToken | None:
        return ChatToken(finish_reason=token.finish_reason)


class Talkative(Wrapped):
    def change(self, token: ChatToken) -> ChatToken | None:
        return ChatToken(token.text or "!", finish_reason=token.finish_reason)


class CountsDown(Wrapped):
    def change(self, token: ChatToken) -> ChatToken | None:
        words = 1 if token.finish_reason else 5
        return ChatToken(token.text, finish_reason=token.finish_reason, usage=Usage(1, words))


class CountsLess(Wrapped):
    def change(self, token: ChatToken) -> ChatToken | None:
        return ChatToken(token.text, finish_reason=token.finish_reason, usage=Usage(-1, 1))


class ForeignError(Wrapped):
    async def fail(self, error: StreamError) -> ChatToken:
        raise ConnectionError("broken") from error


class WithoutPartial(Wrapped):
    async def fail(self, error: StreamError) -> ChatToken:
        raise StreamError("cut off") from error


class Inventive(Wrapped):
    async def fail(self, error: StreamError) -> ChatToken:
        error.partial += "?"
        raise error


class Lenient(Wrapped):
    """Takes a cut reply for a whole one."""

    async def fail(self, error: StreamError) -> ChatToken:
        return ChatToken(finish_reason="stop")


class SpeaksTooSoon(Wrapped):
    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        yield ChatToken(text="Well, ")
        async with aclosing(super().chat(request)) as tokens:
            async for token in tokens:
                yield token


class InItsOwnScope(Wrapped):
    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        with anyio.CancelScope():
            async with aclosing(super().chat(request)) as tokens:
                async for token in tokens:
                    yield token


class OneAtATime(Wrapped):
    """Keeps in the agent what belongs to a reply."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        self.tokens = super().chat(request)
        async with aclosing(self.tokens):
            while True:
                try:
                    token = await anext(self.tokens)
                except StopAsyncIteration:
                    return
                yield token


class ClosesOnce(Wrapped):
    async def aclose(self) -> None:
        if self.agent.closed:
            raise RuntimeError("closed already")
        await super().aclose()


class CannotBeStopped(Wrapped):
    """Takes a cancellation for the end of its reply."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        try:
            async with aclosing(super().chat(request)) as tokens:
                async for token in tokens:
                    yield token
        except anyio.get_cancelled_exc_class():
            yield ChatToken(finish_reason="stop")


class LeavesTasks(Wrapped):
    def change(self, token: ChatToken) -> ChatToken:
        if HELD_TASKS:
            HELD_TASKS[-1].start_soon(anyio.sleep_forever)
        return token


class LeavesFiles(Wrapped):
    def change(self, token: ChatToken) -> ChatToken:
        HELD_FILES.append(open(__file__))  # noqa: SIM115 - that it stays open is the point
        return token


HELD_TASKS: list[TaskGroup] = []
HELD_FILES: list[TextIO] = []
BROKEN: list[tuple[type[Wrapped], str, str]] = [
    (Nameless, "names", "neither may be empty"),
    (Renamed, "names", "changed its id or its model"),
    (WithoutEnd, "whole", "one finish reason, not 0"),
    (EndsTwice, "whole", "one finish reason, not "),
    (Mute, "whole", "no text"),
    (Talkative, "no text", "has some"),
    (CountsDown, "usage", "not the one that holds"),
    (CountsLess, "usage", "fewer than no tokens"),
    (ForeignError, "failure after text", "no AgentError"),
    (WithoutPartial, "failure after text", "had arrived, but `partial` is ''"),
    (Lenient, "failure after text", "as if it were whole"),
    (Inventive, "failure after text", "`partial` is"),
    (SpeaksTooSoon, "failure before text", "that was to come first"),
    (InItsOwnScope, "no scope around a yield", "a task group of its own"),
    (OneAtATime, "several at once", ""),
    (ClosesOnce, "closed twice", "closed already"),
    (CannotBeStopped, "cancelled in mid-reply", ""),
    (CannotBeStopped, "cancelled before the reply", ""),
    (CannotBeStopped, "cancelled twice", ""),
    (LeavesTasks, "closed in mid-reply", "left behind: tasks"),
    (LeavesTasks, "cancelled in mid-reply", "left behind: tasks"),
    (LeavesTasks, "cancelled twice", "left behind: tasks"),
    (LeavesFiles, "whole", "open files"),
]


@pytest.mark.parametrize(
    ("broken", "check", "said"), BROKEN, ids=[f"{b.__name__} {check}" for b, check, _ in BROKEN]
)
async def test_a_broken_rule_is_seen(broken: type[Wrapped], check: str, said: str) -> None:
    async with anyio.create_task_group() as group:
        HELD_TASKS.append(group)
        with pytest.raises(ContractError) as caught:
            await check_agent(scripted(broken), checks=[check], settle=0.2)
        HELD_TASKS.clear()
        group.cancel_scope.cancel()
    for file in HELD_FILES:
        file.close()
    HELD_FILES.clear()
    assert str(caught.value).startswith(f"{check}: ")
    assert said in str(caught.value)


def test_every_check_sees_something() -> None:
    assert {check for _, check, _ in BROKEN} == set(AGENT_CHECKS)


async def test_what_breaks_nothing_passes() -> None:
    assert await check_agent(scripted(Wrapped)) == tuple(AGENT_CHECKS)


async def test_what_cannot_be_made_is_left_out() -> None:
    every = scripted()

    def factory(situation: Situation) -> Any:
        return every(situation) if situation in ("whole", "refused") else None

    made = await check_agent(factory)
    assert "whole" in made
    assert "cancelled twice" not in made


async def test_an_agent_that_hangs_is_told_of() -> None:
    agent = ScriptedAgent("ada", [anyio.sleep_forever])
    with pytest.raises(ContractError, match=r"whole: not done within 0\.2 s"):
        await check_agent(lambda _: agent, checks=["whole"], patience=0.2)


async def test_an_unknown_check_is_an_error() -> None:
    with pytest.raises(ValueError, match="no check 'wole': did you mean 'whole'"):
        await check_agent(scripted(), checks=["wole"])
