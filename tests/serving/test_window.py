"""Rates are arithmetic: no minute, wherever it begins, has more than its limit."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.accounts import Account, Accounts, Rates, peer_of
from serving.errors import RateExceeded
from serving.window import MINUTE, SECOND, Window

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

STEPS = st.lists(st.integers(0, 20 * SECOND) | st.sampled_from([0, 1, MINUTE - 1, MINUTE]))
AMOUNTS = st.integers(0, 12)


@PATIENT
@given(st.lists(st.tuples(STEPS.map(sum), AMOUNTS), max_size=60), st.integers(1, 10))
def test_no_minute_has_more_than_its_limit(steps: list[tuple[int, int]], limit: int) -> None:
    window, now, taken = Window(limit), 0, list[tuple[int, int]]()
    for step, amount in steps:
        now += step
        if window.fits(amount, now):
            window.take(min(amount, limit), now)
            taken.append((now, min(amount, limit)))
    for end, _ in taken:
        assert sum(used for when, used in taken if end - MINUTE < when <= end) <= limit


@PATIENT
@given(st.lists(st.tuples(STEPS.map(sum), AMOUNTS), max_size=40), st.integers(1, 10), AMOUNTS)
def test_the_wait_is_exact(steps: list[tuple[int, int]], limit: int, amount: int) -> None:
    window, now = Window(limit), 0
    for step, used in steps:
        now += step
        window.take(used, now)  # more than fits, too: that is a debt
    wait = window.wait(amount, now)
    assert (wait == 0) == window.fits(amount, now)
    assert wait <= window.reset(now)
    if wait:
        assert not window.fits(amount, now + wait - 1)
        assert window.fits(amount, now + wait)
    assert window.left(now + window.reset(now)) == limit


def test_a_window_stays_small() -> None:
    window = Window(10**9)
    for number in range(100_000):
        window.take(1, number * MINUTE // 100_000)
    assert window.left(MINUTE - 1) == 10**9 - 100_000
    assert len(window._entries) <= 1000
    assert window.left(3 * MINUTE) == 10**9


def test_what_is_used_at_once_is_free_after_a_minute_and_no_earlier() -> None:
    window = Window(3)
    for _ in range(3):
        assert window.fits(1, 5)
        window.take(1, 5)
    assert not window.fits(1, 5 + MINUTE - 1)
    assert window.left(5 + MINUTE) == 3


@dataclass
class Books:
    """What an account should say, counted the slow way."""

    account: Account
    open: list[int] = field(default_factory=list)

    def check(self) -> None:
        assert self.account.tokens.held == sum(self.open)


STEP = st.tuples(st.integers(0, 40 * SECOND), st.booleans(), st.integers(0, 30), st.integers(0, 60))


@PATIENT
@given(st.lists(STEP, max_size=60), st.integers(0, 8), st.integers(0, 25))
def test_what_is_set_aside_is_given_back(
    steps: list[tuple[int, bool, int, int]], requests: int, tokens: int
) -> None:
    """Requests enter and end in any order, and use more or less than they had set aside."""
    books, now = Books(Account(Rates(requests, tokens))), 0
    for step, enters, estimate, used in steps:
        now += step
        if enters:
            before = books.account.tokens.left(now)
            try:
                held = books.account.enter(estimate, now)
            except RateExceeded:
                assert books.account.tokens.left(now) == before
            else:
                books.open.append(held)
                assert not tokens or books.account.tokens.left(now) >= 0
        elif books.open:
            books.account.settle(books.open.pop(), used, now)
        books.check()
    while books.open:
        books.account.settle(books.open.pop(), 0, now)
        books.check()
    assert books.account.requests.left(now + MINUTE) == requests
    assert books.account.tokens.left(now + MINUTE) == tokens


def test_a_request_that_is_larger_than_its_limit_has_its_turn() -> None:
    account = Account(Rates(tokens=100))
    assert account.enter(5000, 0) == 100
    with pytest.raises(RateExceeded) as refused:
        account.enter(1, 0)
    assert refused.value.headers["Retry-After"] == "1"  # it may end at any moment
    account.settle(100, 5000, 0)
    with pytest.raises(RateExceeded) as refused:
        account.enter(1, SECOND // 2)
    assert refused.value.headers == {"Retry-After": "60", "retry-after-ms": "59500"}
    assert account.enter(1, MINUTE) == 1


def test_headers_are_those_of_openai() -> None:
    account = Account(Rates(requests=60, tokens=1000))
    account.enter(200, 0)
    assert account.headers(SECOND // 2) == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "59.5s",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "800",
        "x-ratelimit-reset-tokens": "0s",
    }
    assert account.headers(0)["x-ratelimit-reset-requests"] == "1m0s"
    assert Account(Rates(requests=1)).headers(0).keys() == {
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    }


def test_the_longest_unseen_is_forgotten() -> None:
    accounts, rates = Accounts(most=3), Rates(requests=1)
    kept = accounts.of("a", rates)
    for name in ("b", "c", "a", "d", "e"):
        accounts.of(name, rates)
    assert accounts.of("a", rates) is kept
    assert len(accounts) == 3
    assert accounts.of("f", Rates()) is None


def test_other_rates_keep_what_was_used() -> None:
    accounts = Accounts()
    first = accounts.of("a", Rates(requests=1))
    assert first is not None
    first.enter(0, 0)
    again = accounts.of("a", Rates(requests=3))
    assert again is first
    assert again.requests.left(0) == 2


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("<local>", "<local>"),
        ("", ""),
    ],
)
def test_an_ipv6_network_is_one_caller(address: str, peer: str) -> None:
    assert peer_of(address) == peer
