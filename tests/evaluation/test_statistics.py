"""Intervals and quantiles, against published values and against what must hold for any numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from council.evaluation.statistics import Interval, accuracy, bootstrap, paired, quantile, wilson

SHARES = st.floats(-1, 1, allow_nan=False)
TRIALS = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # By hand: all of n is n / (n + z²) at its lower end.
        (10, 10, 10 / (10 + 1.959963984540054**2), 1.0),
    ],
)
def test_wilson_as_published(successes: int, trials: int, low: float, high: float) -> None:
    interval = wilson(successes, trials)
    assert interval.value == successes / trials
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


@given(TRIALS)
def test_wilson_is_around_the_share_and_the_same_from_both_sides(trial: tuple[int, int]) -> None:
    successes, trials = trial
    interval = wilson(successes, trials)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1
    assert interval.low < interval.high
    mirrored = wilson(trials - successes, trials)
    assert interval.low == pytest.approx(1 - mirrored.high, abs=1e-12)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.9])
def test_wilson_holds_the_true_share_about_as_often_as_it_says(share: float) -> None:
    trials, held = 200, 0.0
    for successes in range(trials + 1):
        interval = wilson(successes, trials)
        if interval.low <= share <= interval.high:
            chance = math.comb(trials, successes)
            held += chance * share**successes * (1 - share) ** (trials - successes)
    assert 0.93 < held < 0.97


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (2, 1), (-1, 3)])
def test_wilson_refuses_what_is_no_share(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="trials"):
        wilson(successes, trials)


@settings(deadline=None, max_examples=30)
@given(st.lists(SHARES, min_size=1, max_size=12), st.integers(0, 1000))
def test_bootstrap_is_around_the_mean_and_a_function_of_its_seed(
    values: list[float], seed: int
) -> None:
    interval = bootstrap(values, seed)
    assert interval.value == pytest.approx(math.fsum(values) / len(values))
    assert min(values) - 1e-9 <= interval.low <= interval.value
    assert interval.value <= interval.high <= max(values) + 1e-9
    assert interval == bootstrap(values, seed)


def test_bootstrap_comes_near_the_normal_approximation() -> None:
    values = [0.0, 1.0] * 200
    interval = bootstrap(values, 1)
    half = 1.96 * 0.5 / math.sqrt(len(values))
    assert interval.value == 0.5
    assert interval.low == pytest.approx(0.5 - half, abs=0.008)
    assert interval.high == pytest.approx(0.5 + half, abs=0.008)


def test_bootstrap_of_paired_differences_is_narrower_than_of_strangers() -> None:
    one = [1.0] * 120 + [0.0] * 80
    other = [1.0] * 116 + [0.0] * 84
    paired = bootstrap([a - b for a, b in zip(one, other, strict=True)], 0)
    crossed = bootstrap([a - b for a, b in zip(one, reversed(other), strict=True)], 0)
    assert paired.value == pytest.approx(crossed.value)
    assert paired.high - paired.low < 0.5 * (crossed.high - crossed.low)


def test_bootstrap_needs_values() -> None:
    with pytest.raises(ValueError, match="no values"):
        bootstrap([], 0)


def test_paired_takes_the_questions_of_both_in_any_order() -> None:
    first = {"a": 1.0, "b": 0.5, "c": 0.0, "mine": 1.0}
    other = {"c": 1.0, "b": 0.0, "a": 0.0, "theirs": 0.0}
    found = paired(first, other, seed=3)
    assert found is not None
    assert found.value == pytest.approx(0.5 / 3)
    assert paired(dict(reversed(first.items())), other, seed=3) == found
    assert paired(first, {"theirs": 1.0}, seed=3) is None


def differences(*values: float) -> Interval:
    found = paired(dict(zip(map(str, range(1000)), values, strict=False)), dict(NONE_RIGHT), seed=1)
    assert found is not None
    return found


NONE_RIGHT = {str(number): 0.0 for number in range(1000)}


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_few_questions_that_all_point_one_way_show_nothing(count: int) -> None:
    found = differences(*[1.0] * count)
    assert found.value == found.high == 1
    assert found.low < 0
    assert differences(*[0.0] * 500, *[1.0] * count).low <= 0


def test_six_questions_are_the_fewest_that_show_a_difference_as_in_a_sign_test() -> None:
    # By hand: 0.025 ** (1 / 6) is the least share with which six of six are not too rare.
    assert differences(*[1.0] * 6).low == pytest.approx(2 * 0.025 ** (1 / 6) - 1)
    assert differences(*[1.0] * 5, 0.0).low < 0
    assert differences(*[-1.0] * 6).high == pytest.approx(1 - 2 * 0.025 ** (1 / 6))


@pytest.mark.parametrize(("value", "count"), [(0.0, 1), (0.0, 3), (0.0, 500), (0.5, 500), (-1, 40)])
def test_equal_differences_are_no_certainty(value: float, count: int) -> None:
    found = differences(*[value] * count)
    assert found.low < found.high
    assert found.low <= value <= found.high
    if value == 0:
        # The rule of three, at 97.5% on either side.
        assert found.high == -found.low == pytest.approx(1 - 0.025 ** (1 / count))


def test_many_questions_that_differ_are_resampled_alone() -> None:
    values = [1.0, 0.0, 0.0, -1.0, 1.0, 0.0] * 50
    assert differences(*values) == bootstrap([values[n] for n in by_name(len(values))], 1)


def by_name(count: int) -> list[int]:
    return sorted(range(count), key=str)


@pytest.mark.parametrize("scores", [[0.5], [2 / 3] * 50, [0.5, 1.0]])
def test_shares_of_few_or_equal_questions_have_a_width(scores: list[float]) -> None:
    found = accuracy(scores, 0)
    assert found is not None
    assert found.low < found.value < found.high


def test_intervals_overlap_from_their_bounds_on() -> None:
    low = Interval(0.2, 0.1, 0.3)
    touching, apart = Interval(0.4, 0.3, 0.5), Interval(0.4, 0.31, 0.5)
    within = Interval(0.2, 0.15, 0.25)
    assert low.overlaps(touching)
    assert touching.overlaps(low)
    assert low.overlaps(within)
    assert within.overlaps(low)
    assert not low.overlaps(apart)
    assert not apart.overlaps(low)


def test_accuracy_of_right_and_wrong_is_wilsons_and_of_shares_is_resampled() -> None:
    assert accuracy([1, 0, 1, 1], 0) == wilson(3, 4)
    many = [1, 0.5, 1, 0] * 10
    assert accuracy(many, 7) == bootstrap(many, 7)
    assert accuracy([], 0) is None
    assert isinstance(accuracy([0.25], 0), Interval)


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [
        ([3.0], 0.95, 3.0),
        ([4.0, 1.0, 3.0, 2.0], 0.5, 2.5),
        ([float(n) for n in range(101)], 0.95, 95.0),
        ([0.0, 10.0], 0.95, 9.5),
        ([2.0, 1.0], 1, 2.0),
        ([2.0, 1.0], 0, 1.0),
    ],
)
def test_quantiles(values: list[float], share: float, found: float) -> None:
    assert quantile(values, share) == pytest.approx(found)


@given(st.lists(SHARES, min_size=1, max_size=20), st.floats(0, 1), st.floats(0, 1))
def test_quantiles_rise_and_stay_within_the_values(
    values: list[float], one: float, other: float
) -> None:
    low, high = (quantile(values, share) for share in sorted((one, other)))
    assert min(values) <= low <= high + 1e-12
    assert high <= max(values) + 1e-12


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 1.5), ([1.0], -0.1)])
def test_quantiles_of_nothing(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="quantile"):
        quantile(values, share)
