"""Intervals and quantiles: pure arithmetic over numbers, with chance that comes from a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# The standard normal distribution's quantile at 97.5%: two sides of 2.5% each are left out.
_Z95 = 1.959963984540054
_RESAMPLES = 2000


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
    weight = 1 + _Z95**2 / trials
    centre = (share + _Z95**2 / (2 * trials)) / weight
    spread = share * (1 - share) / trials + _Z95**2 / (4 * trials**2)
    half = _Z95 / weight * math.sqrt(spread)
    # At the ends the exact bounds are 0 and 1; rounding would miss them by a hair.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == trials else centre + half
    return Interval(share, low, high)


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
    return bootstrap(scores, seed)


def paired(first: Mapping[str, float], other: Mapping[str, float], seed: int) -> Interval | None:
    """By how much the first's mean score is greater, on the questions that both answered.

    Args:
        first: Scores by the question's id.
        other: Those of whom it is compared with.
        seed: As for `bootstrap`.

    Returns:
        The mean difference, -1 to 1; None where they have no question in common.
    """
    # Questions are answered in any order, and a seed is to give the same interval.
    both = sorted(first.keys() & other.keys())
    return bootstrap([first[id] - other[id] for id in both], seed) if both else None


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
