"""Time limits as arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from council.limits import Deadline, ProgressClock, Timeouts, default_quorum

TIMEOUTS = Timeouts(connect=1, first_token=10, idle=2, total=15)


def test_the_first_token_has_its_own_limit() -> None:
    clock = ProgressClock(TIMEOUTS, started=100.0)
    assert clock.next_limit(101.0) == (9.0, "first_token")
    # Reading something that is no token does not move it.
    assert clock.next_limit(105.0) == (5.0, "first_token")


def test_after_it_every_wait_is_idle_from_its_beginning() -> None:
    clock = ProgressClock(TIMEOUTS, started=100.0)
    clock.has_token = True
    assert clock.next_limit(103.0) == (2.0, "idle")
    assert clock.next_limit(109.0) == (2.0, "idle")


def test_total_comes_first_when_it_is_nearer() -> None:
    clock = ProgressClock(TIMEOUTS, started=100.0)
    clock.has_token = True
    assert clock.next_limit(114.0) == (1.0, "total")
    assert clock.next_limit(200.0) == (0.0, "total")


def test_limits_by_name() -> None:
    clock = ProgressClock(TIMEOUTS, started=0.0)
    assert [clock.seconds_of(name) for name in ("first_token", "idle", "total")] == [10, 2, 15]


def test_a_deadline_and_its_shares() -> None:
    deadline = Deadline(10.0, started=50.0)
    assert deadline.ends == 60.0
    assert deadline.remaining(54.0) == 6.0
    assert deadline.share(0.5, 54.0) == 3.0
    assert deadline.remaining(61.0) == 0.0


@pytest.mark.parametrize(("experts", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 2), (5, 3), (9, 5)])
def test_the_default_quorum(experts: int, quorum: int) -> None:
    assert default_quorum(experts) == quorum


@given(st.integers(1, 1000))
def test_the_default_quorum_can_be_met(experts: int) -> None:
    assert 1 <= default_quorum(experts) <= experts
