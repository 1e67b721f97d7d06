"""Many runs at once against a server that misbehaves, each ended in a way of its own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import anyio
import httpx

import council
from council.agents.fallback import FallbackAgent
from council.agents.gate import Allowance, Breaker, Gate, GatedAgent
from council.agents.openai_http import OpenAIHTTPAgent
from council.agents.pool import PoolAgent
from council.agents.retrying import RetryAgent
from council.assemble import by_hand
from council.council import Council
from council.errors import CouncilError
from council.events import ExpertFailed, ExpertFinished
from council.limits import Timeouts
from council.replies import Reply
from council.retry import RetryPolicy
from council.testing.cancelling import cancel_twice
from tests.support.storm_server import StormServer

SHORT = Timeouts(connect=2.0, first_token=0.4, idle=0.3, total=0.8)
_STRATEGIES = ("concat", "vote", "first", "synthesize")
_OWN_PANEL_EVERY = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """How one run is made, and how it ends if not by itself.

    Attributes:
        strategy: Its strategy.
        deadline: Seconds that it may take.
        asks: `Council.ask` instead of a stream.
        leaves_after: Events after which the reader leaves.
        cancelled_after: Seconds after which it is cancelled.
        again_after: Turns of the event loop after which it is cancelled again.
    """

    strategy: str
    deadline: float
    asks: bool = False
    leaves_after: int | None = None
    cancelled_after: float | None = None
    again_after: int | None = None

    @classmethod
    def draw(cls, random: Random) -> Plan:
        """A plan at random: two thirds of the runs end by themselves."""
        strategy, deadline = random.choice(_STRATEGIES), random.choice([0.3, 0.6, 1.2])
        # Most replies take a few milliseconds: most moments are early ones.
        way, moment = random.random(), deadline * random.random() ** 4
        if way < 0.35:
            return cls(strategy, deadline)
        if way < 0.65:
            return cls(strategy, deadline, asks=True)
        if way < 0.75:
            return cls(strategy, deadline, leaves_after=random.randint(1, 12))
        asks = random.random() < 0.5
        if way < 0.88:
            return cls(strategy, deadline, asks, cancelled_after=moment)
        again = random.randint(0, 8)
        return cls(strategy, deadline, asks, cancelled_after=moment, again_after=again)


@dataclass
class Storm:
    """Runs under way and what became of them.

    Attributes:
        server: Who is asked.
        random: Where plans come from.
        ended: How many runs ended in which way.
        errors: How many replies failed with which kind of error.
        whole: How many replies were complete.
        latest: The most seconds that a run ended after it should have.
        wrong: What must not have happened, in words.
    """

    server: StormServer
    random: Random
    ended: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    whole: int = 0
    latest: float = 0.0
    wrong: list[str] = field(default_factory=list)

    async def rage(self, panels: list[Council], runs: int, at_once: int) -> None:
        """Takes so many runs to their ends, so many at once."""
        limiter = anyio.CapacityLimiter(at_once)

        async def one(number: int, plan: Plan) -> None:
            async with limiter:
                if number % _OWN_PANEL_EVERY:
                    await self._end(panels[number % len(panels)], plan)
                else:
                    async with council.open_council(own_panel(self.server.url)) as own:
                        await self._end(own, plan)

        async with anyio.create_task_group() as group:
            for number in range(runs):
                group.start_soon(one, number, Plan.draw(self.random))

    async def _end(self, panel: Council, plan: Plan) -> None:
        if plan.cancelled_after is None:
            await self._account(panel, plan, plan.deadline)
        elif plan.again_after is None:
            with anyio.move_on_after(plan.cancelled_after):
                await self._account(panel, plan, plan.cancelled_after)
        else:
            await self._cancel_twice(panel, plan, plan.cancelled_after, plan.again_after)

    async def _cancel_twice(self, panel: Council, plan: Plan, moment: float, turns: int) -> None:
        """Cancels again while the cancellation is being handled, as each event loop's users do."""
        await cancel_twice(
            partial(self._account, panel, plan, moment), partial(anyio.sleep, moment), turns
        )

    async def _account(self, panel: Council, plan: Plan, due: float) -> None:
        """Takes one run to its end and writes down which it was."""
        started = anyio.current_time()
        outcome = "lost"
        try:
            outcome = await self._run(panel, plan)
        except CouncilError as error:
            outcome = f"raised {error.kind}"
        except anyio.get_cancelled_exc_class():
            if plan.cancelled_after is not None:
                outcome = "cancelled" if plan.again_after is None else "cancelled twice"
            raise
        finally:
            self.ended[outcome] += 1
            self.latest = max(self.latest, anyio.current_time() - started - due)

    async def _run(self, panel: Council, plan: Plan) -> str:
        if plan.asks:
            result = await panel.ask("7?", strategy=plan.strategy, deadline=plan.deadline)
            self._check(*result.experts)
            return result.status
        async with panel.stream("7?", strategy=plan.strategy, deadline=plan.deadline) as run:
            seen = 0
            async for event in run:
                if isinstance(event, ExpertFinished | ExpertFailed):
                    self._check(event.reply)
                seen += 1
                if seen == plan.leaves_after:
                    break
            else:
                return run.result.status
        return "left"

    def _check(self, *replies: Reply) -> None:
        for reply in replies:
            if reply.status == "complete":
                self.whole += 1
                wrong = self.server.why_wrong(reply)
            elif reply.error:
                self.errors[reply.error.kind] += 1
                # This is the kind of an exception that no fence of ours has caught.
                wrong = reply.error.message if reply.error.kind == "agent" else None
            else:
                continue
            if wrong:
                self.wrong.append(wrong)


def shared_panel(url: str, client: httpx.AsyncClient, gate: Gate) -> Council:
    """Three experts at one client: bare, with retries, with a pool behind a fallback."""

    def agent(id: str) -> OpenAIHTTPAgent:
        return OpenAIHTTPAgent(id, "m", url, timeouts=SHORT, client=client)

    retried = RetryAgent(GatedAgent(agent("retried"), gate), RetryPolicy(base=0.02))
    pool = PoolAgent("pool", [GatedAgent(agent(f"pool-{i}"), gate) for i in range(2)])
    spread = FallbackAgent("spread", [pool, agent("last")])
    return Council(by_hand([agent("bare"), retried, spread]))


def open_gate() -> Gate:
    """A gate whose breaker never opens: in a storm it would be open all the time."""
    return Gate(Allowance(None), Allowance(None), Breaker(failures=10**9))


def own_panel(url: str) -> dict[str, Any]:
    """A panel file's content: a client of its own, gates with breakers, retries."""
    timeouts = {"connect": 2.0, "first_token": 0.4, "idle": 0.3, "total": 0.8}
    experts = [
        {"model": "m", "endpoint": f"{url}/{name}/v1", "retries": 1, "timeouts": timeouts}
        for name in "abc"
    ]
    return {"experts": experts, "limits": {"concurrency": 8}}
