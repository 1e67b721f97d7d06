"""One gate per endpoint: who is busy, who is broken, and how much may go through a minute."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

import anyio

from council.agents.around import AgentAround
from council.agents.base import Agent
from council.errors import AgentError, AgentTimeout, StreamError, TransportError
from council.logs import log
from council.messages import CHARACTERS_PER_TOKEN, ChatRequest, ChatToken

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Allowance:
    """So much a minute, with a whole minute's worth at once: a bucket that refills steadily.

    Own arithmetic of five lines: the kept libraries for it are bound to asyncio, and council's
    core runs under trio too. The time is passed in.

    Attributes:
        per_minute: How much a minute, None for no limit.
    """

    per_minute: float | None
    _free_at: float = field(default=float("-inf"), init=False)

    def limit(self, per_minute: float | None) -> None:
        """Allows no more a minute than this either; None for no limit."""
        if per_minute is not None:
            self.per_minute = min(per_minute, self.per_minute or per_minute)

    def take(self, amount: float, now: float) -> float:
        """Takes an amount; returns the seconds to wait before it may be used."""
        if self.per_minute is None:
            return 0.0
        # `_free_at` is when the bucket would be full again. Whatever is larger than the bucket
        # waits until it is full, and then goes into debt.
        start = max(self._free_at, now)
        self._free_at = start + 60.0 * amount / self.per_minute
        return max(0.0, start + 60.0 * min(amount / self.per_minute, 1.0) - now - 60.0)


@dataclass(slots=True)
class Breaker:
    """Opens after some failures in a row; after a while everybody may try again.

    Then one more failure opens it at once. Not one request alone is let through to try: it may
    take minutes, and a panel asks all of its experts at once, who would be refused meanwhile.

    Attributes:
        failures: How many in a row open it.
        seconds: How long it stays open.
        cause: The last failure, for whoever is turned away.
    """

    failures: int = 5
    seconds: float = 30.0
    _in_a_row: int = field(default=0, init=False)
    _open_until: float = field(default=float("-inf"), init=False)
    cause: str = field(default="", init=False)

    def open_for(self, now: float) -> float:
        """Seconds for which nothing goes through, 0 when it is closed."""
        return max(0.0, self._open_until - now)

    def succeeded(self) -> None:
        """The endpoint answered."""
        self._in_a_row = 0

    def failed(self, now: float, cause: str = "") -> None:
        """The endpoint could not be reached, or failed."""
        self._in_a_row += 1
        self.cause = cause
        if self._in_a_row >= self.failures:
            # Half open afterwards: one more failure opens it at once.
            self._open_until = now + self.seconds


@dataclass(slots=True)
class Gate:
    """What all agents of one endpoint share.

    Attributes:
        requests: Requests a minute.
        tokens: Tokens a minute, prompt and the most that may be written.
        breaker: Whether the endpoint is worth asking.
        busy: How many requests are under way.
    """

    requests: Allowance
    tokens: Allowance
    breaker: Breaker = field(default_factory=Breaker)
    busy: int = 0

    def limit(self, requests: float | None, tokens: float | None) -> None:
        """Lets no more through a minute than this either; None for no limit."""
        self.requests.limit(requests)
        self.tokens.limit(tokens)

    async def admit(self, request: ChatRequest) -> None:
        """Waits for the request's turn; raises TransportError while the breaker is open."""
        now = anyio.current_time()
        wait = self.breaker.open_for(now)
        if wait > 0:
            raise TransportError(
                f"not asked again for {wait:.0f} s: the endpoint failed"
                f" {self.breaker.failures} times in a row, at last with: {self.breaker.cause}"
            )
        wait = max(self.requests.take(1, now), self.tokens.take(_size(request), now))
        if wait > 0:
            log(_log, logging.INFO, "rate.waits", seconds=wait, request=request.request_id)
            await anyio.sleep(wait)


class Gates:
    """The gates of a panel, one for each URL."""

    def __init__(self) -> None:
        self._gates: dict[str, Gate] = {}

    def of(self, url: str, requests: float | None, tokens: float | None) -> Gate:
        """The gate of a URL; of all rates asked for, the strictest holds."""
        gate = self._gates.setdefault(url, Gate(Allowance(None), Allowance(None)))
        gate.limit(requests, tokens)
        return gate

    async def aclose(self) -> None:
        """Holds nothing."""


class GatedAgent(AgentAround):
    """Lets an agent's requests through its endpoint's gate.

    Args:
        agent: Who is asked.
        gate: The endpoint's gate.
    """

    def __init__(self, agent: Agent, gate: Gate) -> None:
        super().__init__(agent)
        self.gate = gate

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        """Streams one reply when it is its turn."""
        await self.gate.admit(request)
        self.gate.busy += 1
        try:
            async with aclosing(self._agent.chat(request)) as tokens:
                async for token in tokens:
                    yield token
            self.gate.breaker.succeeded()
        except AgentError as error:
            if _is_the_endpoints(error):
                self._failed(error)
            raise
        finally:
            self.gate.busy -= 1

    def _failed(self, error: AgentError) -> None:
        now = anyio.current_time()
        self.gate.breaker.failed(now, str(error))
        if (wait := self.gate.breaker.open_for(now)) > 0:
            known = {"agent": self.id, "endpoint": error.endpoint}
            log(_log, logging.INFO, "breaker.opened", **known, seconds=wait)


def _is_the_endpoints(error: AgentError) -> bool:
    """Whether the endpoint is to blame: a refused request or a busy hour is no defect."""
    if isinstance(error, TransportError):
        return error.status is None or error.status >= 500
    return isinstance(error, AgentTimeout | StreamError)


def _size(request: ChatRequest) -> float:
    asked = sum(len(message.text) for message in request.messages) / CHARACTERS_PER_TOKEN
    return asked + (request.sampling.max_tokens or 0)
