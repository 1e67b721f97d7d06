"""`Council`: experts and a strategy that answer as one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio

from council.agents.base import Agent
from council.assemble import Parts, assemble, build_strategy, by_hand
from council.config import load_config, parse_config
from council.config.document import Document
from council.errors import ConfigError
from council.expert import Expert
from council.limits import RunLimits
from council.messages import ChatMessage
from council.result import Result
from council.run import Run
from council.strategies import Strategy
from council.tasks import task_group

PanelSource = str | Path | Mapping[str, Any] | Sequence[Agent | Expert]
"""A panel file's path, its content as a mapping, or agents (or experts) made by hand."""

Question = str | Sequence[ChatMessage]
"""A question, or a conversation whose last message is the user's."""

StrategySource = str | Mapping[str, Any] | Strategy
"""A strategy's name, a mapping with `name` and options, or a strategy made by hand."""


class Council:
    """A panel ready to be asked, any number of times and at the same time; see `open_council`.

    Attributes:
        experts: The seats.
        strategy: How it decides unless a run says otherwise.
        limits: Limits of a run unless a run says otherwise.
    """

    def __init__(self, parts: Parts) -> None:
        self.experts = parts.experts
        self.strategy = parts.strategy
        self.limits = parts.limits
        self._parts = parts
        self._limiter = anyio.CapacityLimiter(parts.limits.concurrency)

    @asynccontextmanager
    async def stream(
        self,
        question: Question,
        *,
        strategy: StrategySource | None = None,
        deadline: float | None = None,
    ) -> AsyncGenerator[Run, None]:
        """Starts a run; iterate it for events, then read `result`. Leaving the block stops it.

        A run that fails does not raise here: its last event and `result` say so.

        Args:
            question: What to ask.
            strategy: Instead of the panel's own.
            deadline: Seconds that the run may take, instead of the panel's own.

        Raises:
            ConfigError: An argument cannot be used.
        """
        run = Run(
            self.experts,
            self.strategy if strategy is None else to_strategy(strategy),
            to_messages(question),
            writers=self._parts.writers,
            limits=self._limits(deadline),
            limiter=self._limiter,
        )
        try:
            async with task_group() as group:
                group.start_soon(run.execute)
                yield run
                group.cancel_scope.cancel()
        finally:
            run.close()

    async def ask(
        self,
        question: Question,
        *,
        strategy: StrategySource | None = None,
        deadline: float | None = None,
    ) -> Result:
        """Runs the panel to its result; arguments as for `stream`.

        Raises:
            QuorumLost: Too few experts answered.
            LimitExceeded: A limit was reached before there was an answer.
            StrategyError: The strategy could not decide.
            ConfigError: An argument cannot be used.
        """
        async with self.stream(question, strategy=strategy, deadline=deadline) as run:
            async for _ in run:
                pass
        if run.error is not None:
            raise run.error
        return run.result

    async def aclose(self) -> None:
        """Closes connections and ends the bundled backend, if the panel had started it."""
        await self._parts.aclose()

    def _limits(self, deadline: float | None) -> RunLimits:
        if deadline is None:
            return self.limits
        if not 0 < deadline < float("inf"):
            raise ConfigError(f"deadline: expected a positive number of seconds, got {deadline}")
        return replace(self.limits, deadline=deadline)


@asynccontextmanager
async def open_council(
    panel: PanelSource, *, strategy: StrategySource | None = None
) -> AsyncGenerator[Council, None]:
    """Makes a council and closes it at the end of the block.

    Nothing connects or starts before the first question. Agents made by hand stay the caller's
    to close.

    Args:
        panel: Where the experts come from.
        strategy: Instead of the panel's own.

    Raises:
        ConfigError: The panel or the strategy cannot be used.

    Example:
        >>> async with open_council("configs/panel.yaml") as panel:
        ...     result = await panel.ask("What is 17 + 25?")
    """
    council = Council(_parts(panel))
    if strategy is not None:
        council.strategy = to_strategy(strategy)
    try:
        yield council
    finally:
        with anyio.CancelScope(shield=True):
            await council.aclose()


async def ask(
    question: Question,
    *,
    panel: PanelSource,
    strategy: StrategySource | None = None,
    deadline: float | None = None,
) -> Result:
    """Asks a panel one question; see `open_council` and `Council.ask`.

    Example:
        >>> result = await council.ask("What is 17 + 25?", panel="configs/panel.yaml")
        >>> result.answer, result.status
        ('17 + 25 = 42.', 'complete')
    """
    async with open_council(panel, strategy=strategy) as opened:
        return await opened.ask(question, deadline=deadline)


def to_strategy(source: StrategySource) -> Strategy:
    """The strategy behind any of the forms in which it may be given."""
    if isinstance(source, Strategy):
        return source
    if isinstance(source, str):
        return build_strategy(source, {}, Document("<strategy>", {}, {}))
    options = dict(source)
    name = options.pop("name", None)
    if not isinstance(name, str):
        raise ConfigError("strategy: a mapping needs a `name`")
    return build_strategy(name, options, Document("<strategy>", {"strategy": source}, {}))


def to_messages(question: Question) -> tuple[ChatMessage, ...]:
    """The conversation behind a question; raises ConfigError where there is nothing to answer."""
    if isinstance(question, str):
        # An argument that was not UTF-8 arrives with surrogates, which no JSON can carry.
        question = [ChatMessage("user", question.encode("utf-8", "replace").decode())]
    messages = tuple(question)
    if not messages or messages[-1].role != "user" or not _has_content(messages[-1]):
        raise ConfigError("the question is empty: the last message has to be the user's")
    return messages


def _has_content(message: ChatMessage) -> bool:
    content = message.content
    return bool(content.strip() if isinstance(content, str) else content)


def _parts(panel: PanelSource) -> Parts:
    if isinstance(panel, str | Path):
        return assemble(*load_config(panel))
    if isinstance(panel, Mapping):
        return assemble(*parse_config(panel))
    return by_hand(panel)
