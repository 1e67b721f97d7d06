"""Rates and breakers of endpoints."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from council.agents.gate import Allowance, Breaker, Gate, GatedAgent, Gates
from council.agents.pool import PoolAgent
from council.agents.scripted import ScriptedAgent
from council.errors import AgentTimeout, StreamError, TransportError
from council.messages import ChatMessage, ChatRequest, Sampling
from tests.support.collect import collect, text

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest("m", (ChatMessage("user", "hi"),))


def test_no_limit_no_wait() -> None:
    allowance = Allowance(None)
    assert [allowance.take(10**9, 0.0) for _ in range(3)] == [0.0] * 3


def test_a_minutes_worth_goes_at_once_and_then_steadily() -> None:
    allowance = Allowance(60)
    assert [allowance.take(1, 0.0) for _ in range(60)] == [0.0] * 60
    assert [allowance.take(1, 0.0) for _ in range(3)] == pytest.approx([1.0, 2.0, 3.0])
    # After a quiet while everything is there again.
    assert [allowance.take(1, 1000.0) for _ in range(60)] == [0.0] * 60


def test_what_is_larger_than_the_bucket_goes_into_debt() -> None:
    allowance = Allowance(60)
    assert allowance.take(120, 0.0) == 0.0
    assert allowance.take(1, 0.0) == pytest.approx(61.0)


@given(
    st.floats(1, 1000),
    st.lists(st.tuples(st.floats(0, 100), st.floats(0.1, 10)), min_size=1, max_size=60),
)
def test_no_minute_gets_more_than_two_minutes_worth(
    rate: float, takes: list[tuple[float, float]]
) -> None:
    # A full bucket and a minute's refill: the most that a token bucket lets through.
    allowance = Allowance(rate)
    now = 0.0
    used: list[tuple[float, float]] = []
    for amount, pause in takes:
        now += pause
        used.append((now + allowance.take(min(amount, rate), now), min(amount, rate)))
    for start, _ in used:
        within = sum(amount for at, amount in used if start <= at < start + 60)
        assert within <= 2 * rate * (1 + 1e-6)


def test_a_breaker_opens_after_failures_in_a_row_and_half_opens() -> None:
    breaker = Breaker(failures=3, seconds=30)
    for _ in range(2):
        breaker.failed(0.0)
    breaker.succeeded()
    for _ in range(2):
        breaker.failed(0.0)
    assert breaker.open_for(0.0) == 0.0
    breaker.failed(0.0)
    assert breaker.open_for(10.0) == 20.0
    assert breaker.open_for(30.0) == 0.0
    breaker.failed(30.0)
    assert breaker.open_for(30.0) == 30.0
    breaker.succeeded()
    breaker.failed(70.0)
    assert breaker.open_for(70.0) == 0.0


def gated(*scripts: object, failures: int = 2) -> tuple[GatedAgent, ScriptedAgent]:
    inner = ScriptedAgent("a", *scripts)  # type: ignore[arg-type]
    return GatedAgent(inner, Gate(Allowance(None), Allowance(None), Breaker(failures))), inner


@pytest.mark.parametrize(
    "error",
    [
        TransportError("down"),
        TransportError("x", status=503),
        StreamError("cut"),
        AgentTimeout("idle", 1),
    ],
)
async def test_a_failing_endpoint_is_left_alone(error: Exception) -> None:
    agent, inner = gated(error)
    for _ in range(2):
        with pytest.raises(type(error)):
            await collect(agent, REQUEST)
    with pytest.raises(TransportError, match=r"not asked again .* 2 times in a row") as caught:
        await collect(agent, REQUEST)
    assert str(caught.value).endswith(f"at last with: {error}")
    assert len(inner.requests) == 2
    assert agent.gate.busy == 0


@pytest.mark.parametrize("status", [400, 401, 404, 429])
async def test_a_refused_request_is_not_the_endpoints_fault(status: int) -> None:
    agent, inner = gated(TransportError("no", status=status))
    for _ in range(4):
        with pytest.raises(TransportError, match="no"):
            await collect(agent, REQUEST)
    assert len(inner.requests) == 4


async def test_tokens_a_minute_count_what_may_be_written() -> None:
    gate = Gate(Allowance(None), Allowance(100))
    asked = ChatRequest("m", (ChatMessage("user", "x" * 40),), Sampling(max_tokens=90))
    with anyio.fail_after(5):
        await gate.admit(asked)
    with anyio.move_on_after(0.05) as scope:
        await gate.admit(asked)
    assert scope.cancelled_caught


def test_one_gate_for_each_url() -> None:
    gates = Gates()
    assert gates.of("http://a", 1, None) is gates.of("http://a", 2, None)
    assert gates.of("http://a", 1, None) is not gates.of("http://b", 1, None)


@pytest.mark.parametrize("rates", [(9, 2, None), (2, 9, None), (None, 9, 2), (2, None, 2)])
def test_of_several_rates_the_strictest_holds(rates: tuple[float | None, ...]) -> None:
    gates = Gates()
    for rate in rates:
        gates.of("http://a", rate, None)
        gates.of("http://b", None, rate)
    a, b = gates.of("http://a", None, None), gates.of("http://b", None, None)
    assert [a.requests.take(1, 0.0) for _ in range(3)] == [0.0, 0.0, pytest.approx(30.0)]
    assert [b.tokens.take(1, 0.0) for _ in range(3)] == [0.0, 0.0, pytest.approx(30.0)]
    assert a.tokens.take(10**9, 0.0) == b.requests.take(10**9, 0.0) == 0.0


async def test_a_pool_asks_the_least_busy_first() -> None:
    (first, inner), (second, other) = gated("one"), gated("two")
    pool = PoolAgent("pool", [first, second])
    assert text(await collect(pool, REQUEST)) == "one"
    first.gate.busy = 1
    assert text(await collect(pool, REQUEST)) == "two"
    assert (len(inner.requests), len(other.requests)) == (1, 1)


async def test_a_pool_goes_on_with_the_next_and_avoids_the_broken() -> None:
    (first, inner), (second, other) = gated(TransportError("down"), failures=1), gated("two")
    pool = PoolAgent("pool", [first, second])
    assert text(await collect(pool, REQUEST)) == "two"
    assert text(await collect(pool, REQUEST)) == "two"
    assert (len(inner.requests), len(other.requests)) == (1, 2)


async def test_a_pool_of_dead_endpoints_says_so() -> None:
    dead = [gated(TransportError(f"{name} down"))[0] for name in "ab"]
    pool = PoolAgent("pool", dead)
    with pytest.raises(TransportError, match="b down"):
        await collect(pool, REQUEST)
