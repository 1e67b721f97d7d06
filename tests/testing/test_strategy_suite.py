"""The suite for strategies sees what breaks the contract, and says which rule it is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import ClassVar

import anyio
import pytest
from anyio.abc import TaskGroup

from council.errors import StrategyError
from council.events import RunFinished
from council.expert import Expert
from council.messages import ChatMessage, ChatRequest, Usage
from council.panel import Ask, Panel
from council.replies import Reply
from council.result import Result
from council.strategies import Decision, Strategy
from council.strategies.base import shortcomings, substantive
from council.testing import STRATEGY_CHECKS, ContractError, check_strategy

pytestmark = pytest.mark.anyio

CALLS = count()


class Second(Strategy):
    """Asks everybody twice; each subclass breaks one rule."""

    name: ClassVar[str] = "second"

    async def decide(self, panel: Panel) -> Decision:
        """Takes the first of the second answers."""
        replies = await self.first(panel)
        asks = [Ask(each, self.prompt(panel, each, replies)) for each in panel.experts]
        again = await panel.ask(asks, stage="round-1")
        return self.choose(panel, replies, again)

    async def first(self, panel: Panel) -> list[Reply]:
        replies = await panel.ask_all()
        panel.require_quorum(replies, substantive(replies))
        return replies

    def prompt(
        self, panel: Panel, expert: Expert, replies: Sequence[Reply]
    ) -> tuple[ChatMessage, ...]:
        return (ChatMessage("user", "Once more."),)

    def choose(self, panel: Panel, replies: Sequence[Reply], again: Sequence[Reply]) -> Decision:
        good = substantive([*again, *replies])
        return Decision(good[0].text, reasons=shortcomings([*replies, *again]))


class Nameless(Second):
    name = ""


class Empty(Second):
    def choose(self, panel: Panel, replies: Sequence[Reply], again: Sequence[Reply]) -> Decision:
        raise ValueError("no idea")


class EndsTwice(Second):
    def choose(self, panel: Panel, replies: Sequence[Reply], again: Sequence[Reply]) -> Decision:
        made = super().choose(panel, replies, again)
        panel.emit(RunFinished(panel.at, RESULT))
        return made


class Fragile(Second):
    """Takes it for granted that all answer."""

    def choose(self, panel: Panel, replies: Sequence[Reply], again: Sequence[Reply]) -> Decision:
        last = {reply.id: reply for reply in again if reply.text}["wanda"]
        return Decision(last.text, reasons=shortcomings([*replies, *again]))


class Silent(Second):
    """Says nothing of who is missing."""

    def choose(self, panel: Panel, replies: Sequence[Reply], again: Sequence[Reply]) -> Decision:
        return replace(super().choose(panel, replies, again), reasons=())


class Demanding(Second):
    async def first(self, panel: Panel) -> list[Reply]:
        replies = await panel.ask_all()
        panel.require_quorum(replies, substantive(replies), needed=4)
        return replies


class Content(Second):
    """Answers whoever is missing."""

    async def first(self, panel: Panel) -> list[Reply]:
        return await panel.ask_all()

    def choose(self, panel: Panel, replies: Sequence[Reply], again: Sequence[Reply]) -> Decision:
        return Decision("Whatever.", reasons=shortcomings([*replies, *again]))


class LeavesTasks(Second):
    async def first(self, panel: Panel) -> list[Reply]:
        TASKS[-1].start_soon(anyio.sleep_forever)
        return await super().first(panel)


class Moody(Second):
    def choose(self, panel: Panel, replies: Sequence[Reply], again: Sequence[Reply]) -> Decision:
        return Decision(again[next(CALLS) % 2].text, reasons=shortcomings([*replies, *again]))


class Drawn(Second):
    """Draws a prompt from a source of chance that no seed has a say in."""

    def prompt(
        self, panel: Panel, expert: Expert, replies: Sequence[Reply]
    ) -> tuple[ChatMessage, ...]:
        return (ChatMessage("user", f"Once more ({random.random()})."),)


class Gossip(Second):
    def prompt(
        self, panel: Panel, expert: Expert, replies: Sequence[Reply]
    ) -> tuple[ChatMessage, ...]:
        said = "\n".join(f"{reply.id}: {reply.text}" for reply in replies)
        return (ChatMessage("user", said),)


class Models(Second):
    def prompt(
        self, panel: Panel, expert: Expert, replies: Sequence[Reply]
    ) -> tuple[ChatMessage, ...]:
        return (ChatMessage("user", f"You are {expert.agent.model}."),)


class Personas(Second):
    def prompt(
        self, panel: Panel, expert: Expert, replies: Sequence[Reply]
    ) -> tuple[ChatMessage, ...]:
        return (ChatMessage("user", " ".join(each.persona for each in panel.experts)),)


class Tells(Second):
    def prompt(
        self, panel: Panel, expert: Expert, replies: Sequence[Reply]
    ) -> tuple[ChatMessage, ...]:
        weight = sum(each.weight for each in panel.experts[:2])
        return (ChatMessage("user", f"{weight:g} of the weight say so."),)


class Patient(Second):
    """Waits although the run is over."""

    async def first(self, panel: Panel) -> list[Reply]:
        replies = await panel.ask_all()
        if any(reply.error and reply.error.kind == "timeout" for reply in replies):
            await anyio.sleep_forever()
        panel.require_quorum(replies, substantive(replies))
        return replies


BROKEN: list[tuple[type[Second], str, str]] = [
    (Nameless, "names", "its name is ''"),
    (Empty, "one end", "ValueError('no idea')"),
    (EndsTwice, "one end", "2 ends"),
    (Fragile, "failures", "it raised KeyError('wanda')"),
    (Silent, "failures", "`reasons` does not say so"),
    (Demanding, "failures", "one failure of four costs the answer"),
    (Content, "all fail", "it answers 'Whatever.'"),
    (LeavesTasks, "cancelled at every event", "left behind: tasks"),
    (Moody, "same seed", "gave the run once"),
    (Drawn, "same seed", "was asked once"),
    (Gossip, "no names in prompts", "is told a name: 'zadok: "),
    (Models, "no names in prompts", "quark-0"),
    (Personas, "no names in prompts", "another one's part"),
    (Tells, "no weights in prompts", "depends on the weights: ['2.0625 of"),
    (Content, "quorum", "2 of 3 needed answers, and it answers"),
    (Demanding, "quorum", "3 answers are enough, but it failed"),
    (Patient, "deadline", "not done within"),
]
TASKS: list[TaskGroup] = []
RESULT = Result(
    run_id="",
    question="",
    answer=None,
    status="failed",
    reasons=(),
    strategy="second",
    experts=(),
    decider=None,
    votes=None,
    agreement=None,
    dissent=(),
    usage=Usage(),
    warnings=(),
    seconds=0.0,
    error=None,
)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    ("broken", "check", "said"), BROKEN, ids=[f"{b.__name__} {check}" for b, check, _ in BROKEN]
)
async def test_a_broken_rule_is_seen(broken: type[Second], check: str, said: str) -> None:
    patience = 3.0 if broken is Patient else 120.0
    async with anyio.create_task_group() as group:
        TASKS.append(group)
        with pytest.raises(ContractError) as caught:
            await check_strategy(broken, checks=[check], patience=patience, settle=0.2)
        group.cancel_scope.cancel()
    assert str(caught.value).startswith(f"{check}: ")
    assert said in str(caught.value)


def test_every_check_sees_something() -> None:
    assert {check for _, check, _ in BROKEN} == set(STRATEGY_CHECKS)


async def test_what_breaks_nothing_passes() -> None:
    assert await check_strategy(Second()) == tuple(STRATEGY_CHECKS)


async def test_a_strategy_with_prompts_of_its_own() -> None:
    def play(answers: Sequence[str], seat: int, request: ChatRequest) -> str:
        return "Twice." if "Once more" in request.messages[-1].text else answers[seat]

    class Needs(Second):
        def choose(
            self, panel: Panel, replies: Sequence[Reply], again: Sequence[Reply]
        ) -> Decision:
            if not any(reply.text == "Twice." for reply in again):
                raise StrategyError("nobody said it twice")
            return super().choose(panel, replies, again)

    with pytest.raises(ContractError, match="came to no answer"):
        await check_strategy(Needs, checks=["one end"])
    assert await check_strategy(Needs, checks=["one end"], play=play) == ("one end",)
