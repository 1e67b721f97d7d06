"""When a vote that still goes on is decided."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from council.errors import StrategyError
from council.strategies.ballots import Ballot, tally
from council.strategies.positions import UNKNOWN
from council.strategies.stopping import agrees, chance_of_lead, is_decided, is_likely, standings
from council.strategies.ties import break_tie

WEIGHTS = st.sampled_from([1.0, 1.0, 1.0, 0.1, 0.3, 1 / 3, 2.5]) | st.floats(0.01, 10)
CAST = st.lists(
    st.tuples(st.sampled_from(["1", "2", "3", UNKNOWN, None]), WEIGHTS), min_size=1, max_size=9
)


def ballots(cast: list[tuple[str | None, float]]) -> list[Ballot]:
    return [Ballot(str(i), "f", weight, position, "") for i, (position, weight) in enumerate(cast)]


@given(CAST, st.randoms())
def test_stopping_early_never_changes_the_winner(
    cast: list[tuple[str | None, float]], chance: random.Random
) -> None:
    everyone = ballots(cast)
    arrival = chance.sample(everyone, len(everyone))
    full = tally(everyone, "number")
    for there in range(len(arrival) + 1):
        to_come = sum(ballot.weight for ballot in arrival[there:])
        if is_decided(arrival[:there], to_come):
            assert full is not None
            assert standings(arrival[:there])[0][0] == full.winner
            assert not full.tie


@given(CAST, st.randoms(), st.floats(0, 1))
def test_stopping_early_never_promises_a_margin_that_is_not_reached(
    cast: list[tuple[str | None, float]], chance: random.Random, margin: float
) -> None:
    arrival = chance.sample(ballots(cast), len(cast))
    full = tally(arrival, "number")
    for there in range(len(arrival) + 1):
        if is_decided(arrival[:there], sum(b.weight for b in arrival[there:]), margin):
            assert full is not None
            assert full.margin >= margin


@given(CAST, st.randoms())
def test_once_decided_is_decided(
    cast: list[tuple[str | None, float]], chance: random.Random
) -> None:
    arrival = chance.sample(ballots(cast), len(cast))
    left = [sum(ballot.weight for ballot in arrival[n:]) for n in range(len(arrival) + 1)]
    found = [is_decided(arrival[:n], left[n]) for n in range(len(arrival) + 1)]
    assert found == sorted(found)


@given(CAST, st.randoms(), st.floats(0, 20))
def test_the_order_of_ballots_is_nothing(
    cast: list[tuple[str | None, float]], chance: random.Random, to_come: float
) -> None:
    there, shuffled = ballots(cast), ballots(cast)
    chance.shuffle(shuffled)
    assert standings(there) == standings(shuffled)
    assert is_decided(there, to_come) == is_decided(shuffled, to_come)
    assert is_likely(there, 10, 0.9) == is_likely(shuffled, 10, 0.9)
    assert agrees(there, 0.5) == agrees(shuffled, 0.5)
    full, other = tally(there, "number"), tally(shuffled, "number")
    if full is not None and other is not None and not full.tie:
        assert full.winner == other.winner


def test_a_lead_that_can_be_reached_is_not_safe() -> None:
    two = ballots([("1", 1.0), ("1", 1.0)])
    assert not is_decided(two, 2.0)
    assert is_decided(two, 1.9)
    assert not is_decided(ballots([(None, 1.0)]), 0.0)
    assert not is_decided([], 0.0)
    # Sums that differ by rounding alone are a tie, so they are no lead.
    assert not is_decided(ballots([("1", 0.1), ("1", 0.2), ("2", 0.3)]), 0.0)


@pytest.mark.parametrize(
    ("first", "second", "chance"),
    [
        (0, 0, 0.5),
        (1, 0, 0.75),
        (3, 0, 0.9375),
        (4, 0, 0.96875),
        (2, 1, 0.6875),
        (5, 5, 0.5),
        # Parts are rounded against the leader.
        (3.9, 0.1, 0.8125),
    ],
)
def test_the_chance_of_a_lead(first: float, second: float, chance: float) -> None:
    assert chance_of_lead(first, second) == pytest.approx(chance)


def test_the_chance_is_that_of_a_posterior() -> None:
    # The leader's share p has a density like p^first (1-p)^second; its mass above 1/2 is meant.
    for first, second in [(1, 0), (4, 1), (7, 3)]:
        steps = 20_000
        density = [
            ((i + 0.5) / steps) ** first * (1 - (i + 0.5) / steps) ** second for i in range(steps)
        ]
        mass = sum(density[steps // 2 :]) / sum(density)
        assert chance_of_lead(first, second) == pytest.approx(mass, abs=1e-6)


def test_light_answers_alone_are_not_likely_to_lead() -> None:
    light = ballots([("1", 0.1)] * 9)
    assert not is_likely(light, heaviest=1.0, confidence=0.8)
    assert is_likely(light, heaviest=0.1, confidence=0.99)


@pytest.mark.parametrize(
    ("cast", "margin", "expected"),
    [
        ([("1", 1.0)], 1.0, True),
        ([("1", 1.0), ("1", 2.0)], 1.0, True),
        ([("1", 1.0), ("2", 1.0)], 1.0, False),
        ([("1", 2.0), ("2", 1.0)], 0.3, True),
        ([("1", 2.0), ("2", 1.0)], 0.5, False),
        # Who takes no position does not agree; agreeing on not knowing is not enough.
        ([("1", 1.0), (None, 1.0)], 1.0, False),
        ([(UNKNOWN, 1.0)], 1.0, False),
        ([], 1.0, False),
    ],
)
def test_agreement(cast: list[tuple[str | None, float]], margin: float, expected: bool) -> None:
    assert agrees(ballots(cast), margin) is expected


def test_a_tie_goes_to_whom_the_option_says() -> None:
    votes = tally(ballots([("2", 1.0), ("1", 1.0), (UNKNOWN, 1.0)]), "number")
    assert votes is not None
    assert break_tie(votes, "order", random.Random(0)).winner == "2"
    drawn = [break_tie(votes, "random", random.Random(seed)) for seed in range(30)]
    assert {found.winner for found in drawn} == {"1", "2"}
    for found in drawn:
        assert found.positions[0].value == found.winner
        assert sorted(p.value for p in found.positions) == ["1", "2", UNKNOWN]
    with pytest.raises(StrategyError, match=r"tie between '2' and '1' \(tie: abstain\)"):
        break_tie(votes, "abstain", random.Random(0))


def test_not_knowing_wins_no_tie_whatever_the_option() -> None:
    votes = tally(ballots([(UNKNOWN, 1.0), ("1", 1.0)]), "number")
    assert votes is not None
    assert break_tie(votes, "abstain", random.Random(0)).winner == "1"
    assert break_tie(votes, "random", random.Random(0)).winner == "1"
