"""The arithmetic of limits: nothing is over-reserved, whatever the order of events."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)

from council.budget import Amount, Budget, Hold
from council.errors import ConfigError, LimitReached
from council.messages import Usage
from council.prices import Price, dollars, picodollars, total_cost

PICO = 10**12
NUMBERS = itertools.count()
AMOUNTS = st.builds(Amount, st.integers(0, 400), st.integers(0, 4 * PICO))
PARTS = st.integers(0, 100)


def part(amount: Amount, percent: int) -> Amount:
    return Amount(amount.tokens * percent // 100, amount.picodollars * percent // 100)


class AnyOrder(RuleBasedStateMachine):
    """Reserves, settles and releases in any order; keeps its own books beside the budget's."""

    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.budget = Budget(1000, 10.0)
        self.under_way: list[Hold] = []
        self.used = Amount()

    @rule(target=holds, amount=AMOUNTS)
    def reserve(self, amount: Amount) -> object:
        taken = sum((hold.amount for hold in self.under_way), self.used)
        fits = taken.tokens + amount.tokens <= 1000 and (
            taken.picodollars + amount.picodollars <= 10 * PICO
        )
        try:
            hold = self.budget.reserve(str(next(NUMBERS)), amount)
        except LimitReached:
            assert not fits
            return multiple()
        assert fits
        self.under_way.append(hold)
        return hold

    @rule(hold=consumes(holds), percent=PARTS)
    def settle(self, hold: Hold, percent: int) -> None:
        used = part(hold.amount, percent)
        self.budget.settle(hold, used)
        self.used += used
        self.under_way.remove(hold)

    @rule(hold=consumes(holds))
    def release(self, hold: Hold) -> None:
        self.budget.settle(hold, Amount())
        self.under_way.remove(hold)

    @invariant()
    def no_limit_is_passed(self) -> None:
        taken = self.budget.spent + self.budget.held
        assert taken.tokens <= 1000
        assert taken.picodollars <= 10 * PICO

    @invariant()
    def the_books_agree(self) -> None:
        assert self.budget.spent == self.used
        assert self.budget.held == sum((hold.amount for hold in self.under_way), Amount())


TestAnyOrder = AnyOrder.TestCase


@given(st.lists(st.tuples(AMOUNTS, PARTS), max_size=8))
def test_the_order_of_settling_does_not_matter(
    requests: list[tuple[Amount, int]],
) -> None:
    totals = set()
    for reverse in (False, True):
        budget = Budget()
        settled = [(budget.reserve("x", amount), part(amount, used)) for amount, used in requests]
        for hold, used in sorted(settled, key=lambda entry: entry[1].tokens, reverse=reverse):
            budget.settle(hold, used)
        assert budget.held == Amount()
        totals.add(budget.spent)
    assert len(totals) == 1


def test_what_is_released_is_free_again() -> None:
    budget = Budget(tokens=100)
    hold = budget.reserve("a", Amount(100))
    with pytest.raises(LimitReached, match="the run's limit of 100 tokens has 0 left"):
        budget.reserve("b", Amount(1))
    budget.settle(hold, Amount())
    assert budget.free_tokens == 100
    assert budget.refused == {"b": "tokens"}


def test_nothing_is_settled_twice() -> None:
    budget = Budget(tokens=100)
    hold = budget.reserve("a", Amount(10))
    budget.settle(hold, Amount(10))
    with pytest.raises(ValueError, match="settled before"):
        budget.settle(hold, Amount())
    assert (budget.spent, budget.held) == (Amount(10), Amount())


def test_whoever_uses_more_than_was_reserved_leaves_nothing() -> None:
    budget = Budget(tokens=100)
    budget.settle(budget.reserve("a", Amount(50)), Amount(130))
    assert budget.free_tokens == 0
    with pytest.raises(LimitReached):
        budget.reserve("b", Amount(1))


def test_the_limit_of_money_is_named() -> None:
    with pytest.raises(LimitReached, match=r"limit of \$0\.5 has \$0\.5 left, .* up to \$0\.6"):
        Budget(cost=0.5).reserve("a", Amount(1, picodollars(0.6)))


def test_prices_by_kinds_of_tokens() -> None:
    price = Price(input=2.5, output=10.0, cached_input=1.25)
    usage = Usage(prompt_tokens=1000, completion_tokens=100, cached_tokens=400)
    assert dollars(price.of(usage)) == pytest.approx((600 * 2.5 + 400 * 1.25 + 100 * 10) / 1e6)
    assert Price(2.5, 10.0).of(usage) == Price(2.5, 10.0, 2.5).of(usage)


USAGES = st.builds(Usage, *[st.integers(0, 10**6)] * 3)
PRICES = st.builds(Price, *[st.floats(0, 1000)] * 3)


@given(PRICES, USAGES)
def test_nothing_costs_more_than_the_most_it_may(price: Price, usage: Usage) -> None:
    assert price.of(usage) <= price.at_most(usage.prompt_tokens, usage.completion_tokens)


@given(PRICES, st.integers(0, PICO))
def test_what_is_affordable_can_be_paid(price: Price, money: int) -> None:
    tokens = price.affordable(money)
    if tokens is not None:
        assert price.at_most(0, tokens) <= money < price.at_most(0, tokens + 1)


@given(st.permutations([("a", Usage(7, 3)), ("b", Usage(11, 13)), ("c", Usage(1, 10**6))]))
def test_a_sum_does_not_depend_on_its_order(spending: list[tuple[str, Usage]]) -> None:
    price = Price(0.1, 0.7)
    cost = total_cost([(id, usage, price) for id, usage in spending])
    assert cost.amount == dollars(19 * 100_000 + 1_000_016 * 700_000)


def test_an_unknown_price_is_not_nothing() -> None:
    cost = total_cost([("a", Usage(10**6, 0), Price(2.0, 1.0)), ("b", Usage(1, 1), None)])
    assert (cost.amount, cost.known, cost.at_least) == (None, False, 2.0)
    assert cost.unpriced == ("b",)


def test_whoever_used_nothing_needs_no_price() -> None:
    cost = total_cost([("a", Usage(), None), ("b", Usage(1, 1, estimated=True), Price(0, 0))])
    assert (cost.amount, cost.known, cost.estimated) == (0.0, True, True)


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_a_price_is_a_number(bad: float) -> None:
    with pytest.raises(ConfigError, match="output has to be"):
        Price(1.0, bad)


def test_small_limits_are_written_out() -> None:
    assert Budget(cost=1e-7).named("cost") == "the run's limit of $0.0000001"
