"""Answers of models, for all routes that have text in theirs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from backend.api.metering import follow, reserve
from backend.api.plans import Ask, Plan, naming, plan
from backend.chat.layer import Call, Parsed, Reader
from backend.chat.parts import Part, Text
from backend.engine.generation import Generation
from backend.engine.messages import Output
from backend.engine.sampling import TokenInfo
from backend.engine.supervisor import Supervisor
from backend.registry import Model
from serving.exchange import when_over

__all__ = ["AnswerStep", "Answering", "Ask", "Finish", "WholeCall", "WholeChoice", "start"]

Finish = Literal["stop", "length", "tool_calls"]
WholeCall = Call
KEEP_ALIVE = 12.0
"""Seconds of silence after which a stream says that it is alive."""


@dataclass(frozen=True, slots=True)
class AnswerStep:
    """What one step of the engine added to one choice.

    Attributes:
        choice: Which one.
        parts: What is new in it; may be empty.
        tokens: The tokens behind it, where logprobs were asked for.
        finish: Why it ended; None while it goes on.
        generated: Its tokens so far.
        stop_string: Which of the client's stop strings ended it.
    """

    choice: int
    parts: tuple[Part, ...]
    tokens: tuple[TokenInfo, ...]
    finish: Finish | None
    generated: int
    stop_string: str | None


@dataclass(slots=True)
class WholeChoice:
    """One choice from its first token to its last."""

    content: str = ""
    reasoning: str = ""
    calls: list[Call] = field(default_factory=list)
    finish: Finish = "stop"
    generated: int = 0
    tokens: tuple[TokenInfo, ...] = ()
    stop_string: str | None = None


async def start(model: Model, *asks: Ask) -> Answering:
    """Lets a model begin; its choices are those of the first ask, then of the next.

    What was begun ends with the task that serves the current request.

    Raises:
        ApiError: One of the choices cannot be had; none is left behind.
        Refusal: Whoever asks has used up the tokens of this minute.
    """
    card = await model.supervisor.ready()
    plans = [plan(ask, card) for ask in asks]
    reserve(made.jobs for made in plans)
    with model.supervisor.held():
        begun = [await _submit(model.supervisor, made) for made in plans]
    answering = Answering(model.id, card.fingerprint, asks, plans, begun)
    follow(answering.prompt_tokens, [choice for choices in begun for choice in choices])
    return answering


async def _submit(supervisor: Supervisor, made: Plan) -> list[Generation]:
    begun = []
    for job in made.jobs:
        with naming(made.form_field):
            begun.append(await supervisor.submit(job))
        when_over(begun[-1].close)
    return begun


class Answering:
    """Choices that are being written.

    Attributes:
        model: The model's id.
        fingerprint: Changes when the model or the library does.
        prompt_tokens: Tokens of the prompts; that of several choices counts once.
        plain: Whether text is all that outputs have, and all of it content: ``read`` is not
            needed for those that do not end a choice.
        count: Choices.
    """

    def __init__(
        self,
        model: str,
        fingerprint: str,
        asks: Sequence[Ask],
        plans: Sequence[Plan],
        begun: Sequence[Sequence[Generation]],
    ) -> None:
        """Takes what was asked, and for each ask its plan and a generation for each choice."""
        self.model, self.fingerprint = model, fingerprint
        self.prompt_tokens = sum(choices[0].prompt_tokens for choices in begun)
        self._first, *others = [generation for choices in begun for generation in choices]
        for choice, generation in enumerate(others, start=1):
            generation.join(self._first, choice)
        self._asks = [ask for ask in asks for _ in range(ask.n)]
        self._starts = [sum(ask.n for ask in asks[:at]) for at in range(len(asks))]
        self._readers: list[Reader | None] = [
            made.reader() if made.reader else None for made in plans for _ in made.jobs
        ]
        self._last: dict[int, Output] = {}
        self._thoughts = [0] * len(self._asks)
        self._read = [0] * len(self._asks)
        self.count = len(self._asks)
        self.plain = not any(self._readers) and all(ask.logprobs is None for ask in asks)

    @property
    def over(self) -> bool:
        """Whether every choice has ended."""
        return len(self._last) == self.count

    @property
    def generated(self) -> int:
        """Tokens of all choices that have ended."""
        return sum(output.generated for output in self._last.values())

    @property
    def reasoning_tokens(self) -> int:
        """Those of the tokens read so far that were written as thoughts, their markers included."""
        return sum(self._thoughts)

    @property
    def cached_tokens(self) -> int:
        """Prompt tokens that were not computed for this answer, as far as it is known."""
        ends = [*self._starts[1:], self.count]
        spans = [range(*span) for span in zip(self._starts, ends, strict=True)]
        known = [[self._last[n].cached for n in span if n in self._last] for span in spans]
        return sum(min(cached, default=0) for cached in known)

    async def arrive(self) -> tuple[int, Output] | None:
        """The next output and its choice; None when there was silence for a while.

        Raises:
            ApiError: The answer cannot go on.
        """
        try:
            async with asyncio.timeout(KEEP_ALIVE):
                arrived = await self._first.next_choice()
        except TimeoutError:
            return None
        return self._noted(arrived)

    async def take(self) -> tuple[int, Output]:
        """The next output and its choice, however long it takes.

        Raises:
            ApiError: The answer cannot go on.
        """
        return self._noted(await self._first.next_choice())

    def _noted(self, arrived: tuple[int, Output]) -> tuple[int, Output]:
        if arrived[1].finish:
            self._last[arrived[0]] = arrived[1]
        return arrived

    def read(self, choice: int, output: Output) -> AnswerStep:
        """What an output means; each is to be read once and in order."""
        reader = self._readers[choice]
        if reader is None:
            parts: list[Part] = [Text(output.text)] if output.text else []
        else:
            thought = reader.thinking
            parts = reader.feed(output.text) if output.text else []
            if thought or reader.thinking:
                self._thoughts[choice] += output.generated - self._read[choice]
            self._read[choice] = output.generated
            parts += reader.finish() if output.finish else []
        stop = output.stop if output.stop in self._asks[choice].stop else None
        finish = _finish(output, called=reader is not None and reader.called)
        return AnswerStep(choice, tuple(parts), output.tokens, finish, output.generated, stop)

    async def steps(self) -> AsyncIterator[AnswerStep | None]:
        """All that is written, as it comes; None for silence.

        Raises:
            ApiError: The answer cannot go on.
        """
        while not self.over:
            arrived = await self.arrive()
            yield None if arrived is None else self.read(*arrived)

    async def whole(self) -> list[WholeChoice]:
        """All choices from beginning to end.

        Raises:
            ApiError: The answer cannot go on.
        """
        texts: list[list[Output]] = [[] for _ in range(self.count)]
        while not self.over:
            choice, output = await self.take()
            texts[choice].append(output)
        return [self._whole(choice, outputs) for choice, outputs in enumerate(texts)]

    def _whole(self, choice: int, outputs: Sequence[Output]) -> WholeChoice:
        """Reads an answer at once, since many small pieces cost more than a large one.

        Not so its thoughts: their tokens are counted.
        """
        reader, said, at = self._readers[choice], Parsed(), 0
        while reader is not None and reader.may_think and at < len(outputs) - 1:
            said.add_all(self.read(choice, outputs[at]).parts)
            at += 1
        text = "".join(output.text for output in outputs[at:])
        step = self.read(choice, replace(outputs[-1], text=text))
        said.add_all(step.parts)
        return WholeChoice(
            content=said.content,
            reasoning=said.reasoning,
            calls=said.calls,
            finish=step.finish or "stop",
            generated=step.generated,
            tokens=tuple(token for output in outputs for token in output.tokens),
            stop_string=step.stop_string,
        )


def _finish(output: Output, *, called: bool = False) -> Finish | None:
    """Why an answer ended; the supervisor has turned "error" into an exception before."""
    if output.finish == "stop":
        return "tool_calls" if called else "stop"
    return "length" if output.finish == "length" else None
