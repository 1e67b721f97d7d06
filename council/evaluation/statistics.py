"""Intervals and quantiles: pure arithmetic over numbers, with chance that comes from a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# The standard normal distribution's quantile at 97.5%: two sides of 2.5% each are left out.
_Z95 = 1.959963984540054
_RESAMPLES = 2000

_FEW_QUESTIONS = 30  # fewer hold too few cases to draw again
_FEW_DIFFERENCES = 6  # of five that all point one way a sign test does not yet say that 95% would
_TAIL = 0.025
_HALVINGS = 50


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the bounds of its 95% interval."""

    value: float
    low: float
    high: float

    def overlaps(self, other: Interval) -> bool:
        """Whether some value lies within the bounds of both."""
        return self.low <= other.high and other.low <= self.high


def wilson(successes: int, trials: int) -> Interval:
    """The share of successes with Wilson's score interval.

    Unlike the textbook's interval it stays within 0 and 1, and has a width where all or none
    succeeded.

    Args:
        successes: How many of the trials succeeded.
        trials: At least 1.

    Raises:
        ValueError: There are no trials, or more successes than trials.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials")
    share = successes / trials
    return Interval(share, *_wilson_bounds(share, trials))


def _wilson_bounds(share: float, trials: int) -> tuple[float, float]:
    weight = 1 + _Z95**2 / trials
    centre = (share + _Z95**2 / (2 * trials)) / weight
    spread = share * (1 - share) / trials + _Z95**2 / (4 * trials**2)
    half = _Z95 / weight * math.sqrt(spread)
    # At the ends the exact bounds are 0 and 1; rounding would miss them by a hair.
    return (0.0 if share == 0 else centre - half), (1.0 if share == 1 else centre + half)


def bootstrap(values: Sequence[float], seed: int) -> Interval:
    """The mean with the interval in which 95% of the means of resampled values lie.

    The values are what is drawn again, with replacement; so for a comparison of two on the same
    questions they have to be differences, one for each question.

    Args:
        values: At least one.
        seed: Draws the resamples: equal seeds give equal bounds.

    Raises:
        ValueError: There are no values.
    """
    if not values:
        raise ValueError("no values")
    chance, count = random.Random(seed), len(values)
    means = sorted(math.fsum(chance.choices(values, k=count)) / count for _ in range(_RESAMPLES))
    mean = math.fsum(values) / count
    # Few resamples could leave the mean itself outside by a rounding error.
    low, high = quantile(means, 0.025), quantile(means, 0.975)
    return Interval(mean, min(low, mean), max(high, mean))


def accuracy(scores: Sequence[float], seed: int) -> Interval | None:
    """The mean score of questions, None where there are none.

    Args:
        scores: One for each question: 1 for right, 0 for not, or the share of its answers that
            are right. Answers to one question stand and fall together, so that their number says
            less than the number of questions: shares are resampled by the question.
        seed: As for `bootstrap`.
    """
    if not scores:
        return None
    if all(score in (0, 1) for score in scores):
        return wilson(round(math.fsum(scores)), len(scores))
    found = bootstrap(scores, seed)
    if len(scores) >= _FEW_QUESTIONS and found.low < found.high:
        return found
    # Scores from 0 to 1 vary no more than rights and wrongs with the same mean do.
    return _spanning(found, *_wilson_bounds(found.value, len(scores)))


def paired(first: Mapping[str, float], other: Mapping[str, float], seed: int) -> Interval | None:
    """By how much the first's mean score is greater, on the questions that both answered.

    Args:
        first: Scores by the question's id.
        other: Those of whom it is compared with.
        seed: As for `bootstrap`.

    Returns:
        The mean difference, -1 to 1; None where they have no question in common. Where too few
        questions differ to be drawn again, the bounds are no narrower than those of a sign test.
    """
    # Questions are answered in any order, and a seed is to give the same interval.
    both = sorted(first.keys() & other.keys())
    if not both:
        return None
    values = [first[id] - other[id] for id in both]
    found = bootstrap(values, seed)
    return _spanning(found, *_by_signs(values)) if _is_thin(values, found) else found


def _is_thin(values: Sequence[float], found: Interval) -> bool:
    """Whether a bootstrap of differences knows less than its bounds say."""
    if len(values) < _FEW_QUESTIONS or found.low == found.high:
        return True
    differing = sum(value != 0 for value in values)
    return differing < _FEW_DIFFERENCES and not found.low <= 0 <= found.high


def _by_signs(values: Sequence[float]) -> tuple[float, float]:
    """Bounds of a mean difference, from how many differences point which way."""
    differing = sum(value != 0 for value in values)
    if not differing:
        # None of so many: what part of all questions may differ nevertheless, either way.
        unseen = _highest_share(0, len(values))
        return -unseen, unseen
    ahead = sum(value > 0 for value in values)
    size = math.fsum(map(abs, values)) / len(values)
    lowest = 1 - _highest_share(differing - ahead, differing)
    return size * (2 * lowest - 1), size * (2 * _highest_share(ahead, differing) - 1)


def _highest_share(successes: int, trials: int) -> float:
    """The greatest share with which so few successes are not too rare: exact, by the binomial."""
    if successes == trials:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        chance = math.fsum(
            math.comb(trials, k) * share**k * (1 - share) ** (trials - k)
            for k in range(successes + 1)
        )
        low, high = (share, high) if chance > _TAIL else (low, share)
    return high


def _spanning(found: Interval, low: float, high: float) -> Interval:
    """An interval made wide enough for other bounds too."""
    return Interval(found.value, min(found.low, low), max(found.high, high))


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which a share of the values lies; between two values, on the line.

    Args:
        values: At least one, in any order.
        share: 0 to 1; 0.5 is the median.

    Raises:
        ValueError: There are no values, or the share is none.
    """
    if not values or not 0 <= share <= 1:
        raise ValueError(f"the quantile {share} of {len(values)} values")
    ranked = sorted(values)
    place = share * (len(ranked) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ranked) - 1)
    return ranked[below] + (ranked[above] - ranked[below]) * (place - below)
