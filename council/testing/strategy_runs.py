"""Runs of a strategy over scripted experts: who fails when, and everything that was to be seen."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import anyio
import anyio.lowlevel

from council.agents.embedder import Embedded
from council.agents.scripted import ScriptedAgent, Step
from council.assemble import by_hand
from council.council import Council
from council.errors import CouncilError, StreamError, TransportError
from council.events import Event, ExpertFailed
from council.expert import Expert
from council.limits import RunLimits
from council.messages import ChatRequest, ChatToken, Usage
from council.result import Result
from council.run import Run
from council.strategies import Strategy
from council.testing.prompts import plays

EXPERT_IDS = ("zadok", "yorick", "xaver", "wanda")
"""The experts of the panels that strategies are checked with."""

QUESTION = "Why is that so?"
WEIGHTS = (1.0, 1.0625, 1.125, 1.1875)
_LONG = " is what this answer says, with more than a dozen words to say it in"
ANSWERS: tuple[tuple[str, ...], ...] = (
    ("The answer is 42.", "It is 42.", "I get 42.", "Rather 41."),
    tuple(word + _LONG for word in ("good", "fair", "poor", "bad")),
)
"""What the experts answer: to be counted, and not to be."""

# So many turns of the event loop an expert is slower than the one before it: who is first must not
# be a matter of chance.
_TURNS_APART = 12

Fault = Literal["before", "midway", "after", "defect", "stall"]
"""A failure before the first token, after some text, after all of it; an exception that is no
AgentError; silence after some text."""

FAILURES: tuple[Fault, ...] = get_args(Fault)[:4]

Play = Callable[[Sequence[str], int, ChatRequest], str]
"""What the expert of a seat says to a request, given all experts' answers."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked.

    Attributes:
        make: Makes the strategy.
        answers: Sets of answers, each with one for every expert.
        play: What experts say.
        needs: How many answers the strategy needs whatever the panel's quorum is; None where it
            keeps to the quorum.
        settle: Seconds within which tasks of a run that was left have to be gone.
    """

    make: Callable[[], Strategy]
    answers: Sequence[Sequence[str]] = ANSWERS
    play: Play = plays
    needs: int | None = None
    settle: float = 10.0


@dataclass(frozen=True, slots=True)
class Scene:
    """One run: who says what, and what goes wrong.

    Attributes:
        subject: Whose strategy it is.
        answers: What the experts answer.
        faults: What goes wrong, by the expert's seat and the number of its call; a call of -1 is
            every call, one of -2 every call after the first.
        weights: The experts' weights.
        limits: The run's.
        seed: The run's.
    """

    subject: Subject
    answers: Sequence[str]
    faults: dict[tuple[int, int], Fault] = field(default_factory=dict)
    weights: Sequence[float] = WEIGHTS
    limits: RunLimits = field(default_factory=RunLimits)
    seed: int = 0

    def agents(self) -> list[ScriptedAgent]:
        """The experts' agents, new ones each time."""
        return [self._agent(seat) for seat in range(len(EXPERT_IDS))]

    def _agent(self, seat: int) -> ScriptedAgent:
        def script(request: ChatRequest) -> Iterable[Step]:
            call = len(agent.requests) - 1
            fault = self.faults.get((seat, call)) or self.faults.get((seat, -1))
            if call and fault is None:
                fault = self.faults.get((seat, -2))
            said = self.subject.play(self.answers, seat, request)
            return _steps(said, fault, seat * _TURNS_APART)

        agent = ScriptedAgent(EXPERT_IDS[seat], script, model=f"quark-{seat}")
        return agent

    @asynccontextmanager
    async def open(self, agents: Sequence[ScriptedAgent]) -> AsyncGenerator[Run, None]:
        """The run, under way for the length of the block."""
        strategy = self.subject.make()
        seats = [
            Expert(
                agent.id,
                agent,
                persona=f"Persona-{seat}",
                weight=self.weights[seat],
                family=f"gens-{seat}",
            )
            for seat, agent in enumerate(agents)
        ]
        embedder = LetterEmbedder() if strategy.needs_embedder else None
        council = Council(replace(by_hand(seats), limits=self.limits, embedder=embedder))
        async with council.stream(QUESTION, strategy=strategy, seed=self.seed) as run:
            yield run

    async def watch(self) -> Seen:
        """The run from its beginning to its end."""
        agents = self.agents()
        async with self.open(agents) as run:
            events = [event async for event in run]
        return Seen(agents, events, run.result, run.error)


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that a run came to."""

    agents: list[ScriptedAgent]
    events: list[Event]
    result: Result
    error: CouncilError | None

    @property
    def failed(self) -> list[ExpertFailed]:
        """Replies that failed."""
        return [event for event in self.events if isinstance(event, ExpertFailed)]


class LetterEmbedder:
    """Vectors of how often each letter stands in a text: for strategies that need an embedder."""

    model = "letters"

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Embeds texts."""
        await anyio.lowlevel.checkpoint()
        letters = "abcdefghijklmnopqrstuvwxyz0123456789 "
        counted = [tuple(float(text.lower().count(each)) for each in letters) for text in texts]
        return Embedded(tuple(counted), Usage(prompt_tokens=sum(map(len, texts))))

    async def aclose(self) -> None:
        """Holds nothing."""


def _steps(said: str, fault: Fault | None, turns: int) -> Iterable[Step]:
    half = ChatToken(text=said[: len(said) // 2])
    rest = ChatToken(text=said[len(said) // 2 :])
    yield _waits(turns)
    if fault == "before":
        yield TransportError("down")
    yield half
    if fault == "midway":
        yield StreamError("cut")
    if fault == "defect":
        yield _breaks
    if fault == "stall":
        yield anyio.sleep_forever
    yield rest
    if fault == "after":
        yield StreamError("cut at the end")


def _waits(turns: int) -> Callable[[], Awaitable[None]]:
    async def wait() -> None:
        for _ in range(turns):
            await anyio.lowlevel.checkpoint()

    return wait


async def _breaks() -> None:
    raise KeyError("a defect")
