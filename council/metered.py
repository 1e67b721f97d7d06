"""Agents and embedders that ask for no more than a run's limits allow."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from council.agents.around import AgentAround
from council.agents.base import Agent, has_begun
from council.agents.embedder import Embedded, Embedder, fields_of, price_of
from council.budget import Amount, Budget
from council.config.schema import EMBEDDER_ID
from council.errors import AgentError, AgentTimeout, BackendError, TransportError
from council.expert import Expert
from council.messages import ChatRequest, ChatToken, Usage
from council.prices import FREE, Price
from council.worst_case import (
    answers_of,
    most_prompt_tokens,
    most_text_tokens,
    stated_limit,
    with_limit,
)

LEAST_TOKENS = 32
"""With fewer tokens there is no answer: a request that could get no more is not sent."""

MOST_TOKENS = 4096
"""More is not put into a request: servers refuse limits that are longer than a model may write."""


def metered(experts: Sequence[Expert], budget: Budget) -> tuple[Expert, ...]:
    """The same experts with a run's budget around their agents."""
    return tuple(
        replace(expert, agent=Metered(expert.agent, budget, expert.price or FREE))
        for expert in experts
    )


class Metered(AgentAround):
    """An agent whose requests have to fit into a budget.

    This stands below the record of runs: a limit that is put into a request depends on what others
    have used, and must not make it another request than the one that is resumed.

    Args:
        agent: Who is asked.
        budget: What the run may use.
        price: What the agent's tokens cost.
    """

    def __init__(self, agent: Agent, budget: Budget, price: Price) -> None:
        super().__init__(agent)
        self._budget = budget
        self._price = price

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        """Streams one reply; errors as the agent's.

        Raises:
            LimitReached: The run's limits do not allow it; it was not sent.
        """
        prompt = most_prompt_tokens(request)
        request = self._limited(request, prompt)
        completion = (stated_limit(request) or 0) * answers_of(request)
        worst = Amount(prompt + completion, self._price.at_most(prompt, completion))
        hold = self._budget.reserve(request.request_id, worst)
        meter = _Meter(prompt)
        try:
            async with aclosing(self._agent.chat(request)) as tokens:
                async for token in tokens:
                    meter.take(token)
                    yield token
        except AgentError as error:
            meter.turned_away = _was_not_read(error)
            raise
        finally:
            self._budget.settle(hold, meter.amount(self._price))

    def _limited(self, request: ChatRequest, prompt: int) -> ChatRequest:
        """The request with a limit of its own; one without it gets its share of what is free."""
        if stated_limit(request) is not None:
            return request
        budget, answers = self._budget, answers_of(request)
        # Expected again, should it be a second try of the same request, or go on after tools.
        budget.expect(request.request_id)
        budget.shortened.pop(request.request_id, None)
        share = self._share(prompt)
        if share is None or share[1] >= MOST_TOKENS * answers:
            return with_limit(request, MOST_TOKENS)
        budget.shortened[request.request_id] = share[0]
        return with_limit(request, max(LEAST_TOKENS, share[1] // answers))

    def _share(self, prompt: int) -> tuple[str, int] | None:
        """The limit that leaves least for a reply, and how many tokens; None where none does."""
        budget, price = self._budget, self._price
        left: dict[str, int | None] = {}
        if budget.free_tokens is not None:
            left["tokens"] = budget.free_tokens // budget.waiting - prompt
        if budget.free_picodollars is not None:
            money = budget.free_picodollars // budget.waiting - price.at_most(prompt, 0)
            left["cost"] = price.affordable(money, prompt)
        bounds = {limit: tokens for limit, tokens in left.items() if tokens is not None}
        if not bounds:
            return None
        limit = min(bounds, key=lambda name: bounds[name])
        return limit, bounds[limit]


class MeteredEmbedder:
    """An embedder whose requests have to fit into a budget; arguments as for `Metered`."""

    def __init__(self, embedder: Embedder, budget: Budget) -> None:
        self.price = price_of(embedder)
        self.extra = fields_of(embedder)
        self._embedder = embedder
        self._budget = budget

    @property
    def model(self) -> str:
        """The embedder's model."""
        return self._embedder.model

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Embeds texts; errors as the embedder's.

        Raises:
            LimitReached: The run's limits do not allow it; nothing was sent.
        """
        price = self.price or FREE
        worst = most_text_tokens(texts)
        used = worst
        hold = self._budget.reserve(EMBEDDER_ID, Amount(worst, price.at_most(worst, 0)))
        try:
            embedded = await self._embedder.embed(texts)
            used = embedded.usage.total_tokens
        except AgentError as error:
            used = 0 if _was_not_read(error) else used
            raise
        finally:
            self._budget.settle(hold, Amount(used, price.at_most(used, 0)))
        return embedded

    async def aclose(self) -> None:
        """Closes the embedder."""
        await self._embedder.aclose()


def _was_not_read(error: AgentError) -> bool:
    """Whether no model can have read the request: no connection, or it was turned away."""
    if isinstance(error, AgentTimeout):
        return error.limit == "connect"
    return isinstance(error, TransportError | BackendError)


@dataclass(slots=True)
class _Meter:
    """What one request has used, by the server's count or else by the bytes that came.

    Attributes:
        prompt: How many tokens the prompt has at most.
        turned_away: No connection, or a status other than 2xx.
    """

    prompt: int
    turned_away: bool = False
    _bytes: int = 0
    _begun: bool = False
    _whole: bool = False
    _usage: Usage | None = None

    def take(self, token: ChatToken) -> None:
        """Counts one token of the stream."""
        self._usage = token.usage or self._usage
        self._whole = self._whole or token.finish_reason is not None
        self._begun = self._begun or has_begun(token)
        written = token.text + token.reasoning + token.refusal
        self._bytes += len(written.encode("utf-8", "replace"))
        self._bytes += sum(len(call.name + call.arguments) * 4 for call in token.tool_calls)

    def amount(self, price: Price) -> Amount:
        """What is to be settled."""
        usage = self._used()
        return Amount(usage.total_tokens, price.of(usage))

    def _used(self) -> Usage:
        if self._usage is not None and self._whole:
            return self._usage
        if self.turned_away and not self._begun:
            return Usage()
        # What was counted before the end is not the last word.
        counted = self._usage or Usage(prompt_tokens=self.prompt)
        return replace(counted, completion_tokens=max(counted.completion_tokens, self._bytes))
