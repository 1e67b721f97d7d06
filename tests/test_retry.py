"""When to try again, and after how long."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from council.errors import AgentError, AgentTimeout, BackendError, StreamError, TransportError
from council.retry import RetryPolicy, is_retryable


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (TransportError("refused"), True),
        (TransportError("busy", status=429), True),
        (TransportError("timeout", status=408), True),
        (TransportError("overloaded", status=529), True),
        (TransportError("bad", status=500), True),
        (TransportError("bad request", status=400), False),
        (TransportError("key", status=401), False),
        (TransportError("nowhere", status=404), False),
        (StreamError("cut"), True),
        (AgentTimeout("connect", 5), True),
        (AgentTimeout("first_token", 5), False),
        (AgentTimeout("idle", 5), False),
        (AgentTimeout("total", 5), False),
        (BackendError("no such file"), False),
    ],
)
def test_what_is_worth_another_try(error: AgentError, retryable: bool) -> None:
    assert is_retryable(error) == retryable


def test_it_gives_up_after_so_many() -> None:
    policy = RetryPolicy(retries=2)
    waits = [policy.wait(tried, TransportError("x"), Random(1)) for tried in (1, 2, 3)]
    assert [wait is None for wait in waits] == [False, False, True]
    assert RetryPolicy(retries=0).wait(1, TransportError("x"), Random(1)) is None


@given(st.integers(1, 100), st.integers(), st.floats(0.01, 10), st.floats(0.01, 100))
def test_waits_stay_within_their_bounds(tried: int, seed: int, base: float, longest: float) -> None:
    policy = RetryPolicy(retries=100, base=base, longest=longest)
    wait = policy.wait(tried, TransportError("x"), Random(seed))
    assert wait is not None
    assert 0.0 <= wait <= longest


def test_waits_grow_on_average() -> None:
    policy = RetryPolicy(retries=9, base=1.0, longest=1000.0)

    def mean(tried: int) -> float:
        waits = [policy.wait(tried, StreamError("x"), Random(seed)) or 0 for seed in range(500)]
        return sum(waits) / len(waits)

    assert mean(1) == pytest.approx(0.5, rel=0.15)
    assert mean(4) == pytest.approx(4.0, rel=0.15)


def test_the_server_is_given_the_time_it_asks_for() -> None:
    policy = RetryPolicy(retries=3, base=0.001, longest=60)
    asked = TransportError("x", status=429, retry_after=20)
    assert policy.wait(1, asked, Random(1)) == 20


def test_absurd_waits_are_refused() -> None:
    policy = RetryPolicy(longest=60)
    assert policy.wait(1, TransportError("x", status=429, retry_after=3600), Random(1)) is None
