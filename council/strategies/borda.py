"""From ballots that rank answers to one ranking: pure arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import fsum

from council.result import Ranked, Ranking

Tiers = tuple[tuple[str, ...], ...]
"""Labels of answers, the best first; those in one tier are tied."""

Duels = Mapping[tuple[str, str], float]
"""How a pair of answers compares: 1 where the first is better, 0 the second, 0.5 neither."""


@dataclass(frozen=True, slots=True)
class RankedBallot:
    """How one reviewer ranks the answers it saw.

    Attributes:
        reviewer: The reviewer's id.
        weight: What the ballot counts.
        tiers: Every answer it saw, once.
    """

    reviewer: str
    weight: float
    tiers: Tiers


def points(tiers: Tiers) -> dict[str, float]:
    """The part of the other answers that each answer beats, 0 to 1; a tie counts half.

    Args:
        tiers: At least two answers.
    """
    answers = sum(map(len, tiers))
    below, found = answers, {}
    for tier in tiers:
        below -= len(tier)
        share = (below + (len(tier) - 1) / 2) / (answers - 1)
        found.update(dict.fromkeys(tier, share))
    return found


def borda(ballots: Sequence[RankedBallot], labels: Sequence[str]) -> Ranking:
    """The ranking by the mean of each answer's points over the ballots that rank it.

    The mean and not the sum: reviewers do not rank their own answers, so not every answer is on
    every ballot.

    Args:
        ballots: At least one.
        labels: Whose answers there are, in the panel's order.
    """
    given = [(ballot.weight, points(ballot.tiers)) for ballot in ballots]
    scores: dict[str, float | None] = {}
    for label in labels:
        seen = [(weight, found[label]) for weight, found in given if label in found]
        # fsum() gives the same for any order of the ballots.
        total = fsum(weight for weight, _ in seen)
        scores[label] = fsum(w * p for w, p in seen) / total if seen else None
    counts = {label: sum(label in found for _, found in given) for label in labels}
    return ranking(scores, counts, ballots=len(ballots))


def duels(first: Tiers, second: Tiers) -> dict[tuple[str, str], float]:
    """How each pair compares by two ballots of one judge, who saw the answers in opposite orders.

    What holds in one order and turns round in the other says more of the order than of the
    answers: it is a tie.
    """
    places = [_places(first), _places(second)]
    found = {}
    for a, b in combinations(sorted(places[0]), 2):
        lead = sum(_sign(place[b] - place[a]) for place in places)
        found[a, b] = (1 + _sign(lead)) / 2
    return found


def flipped(first: Tiers, second: Tiers) -> int:
    """On how many pairs the two ballots contradict each other."""
    one, two = _places(first), _places(second)
    return sum((one[a] - one[b]) * (two[a] - two[b]) < 0 for a, b in combinations(one, 2))


def by_duels(found: Duels, labels: Sequence[str]) -> Ranking:
    """The ranking by the part of its duels that each answer wins; a tie counts half.

    Args:
        found: At least one duel.
        labels: Whose answers there are, in the panel's order; those in no duel come last.
    """
    won: dict[str, list[float]] = {label: [] for label in labels}
    for (a, b), outcome in found.items():
        won[a].append(outcome)
        won[b].append(1 - outcome)
    scores = {label: fsum(each) / len(each) if each else None for label, each in won.items()}
    return ranking(scores, {label: int(bool(each)) for label, each in won.items()}, ballots=1)


def ranking(
    scores: Mapping[str, float | None], counts: Mapping[str, int], *, ballots: int
) -> Ranking:
    """Answers by their scores, best first; equal ones share a place and keep their order.

    Args:
        scores: By label, in the panel's order; None where nobody ranked the answer.
        counts: How many ballots ranked each.
        ballots: How many there were.
    """
    # Rounded, since sums that differ by rounding only are a tie.
    keys = {label: -1.0 if s is None else round(s, 9) for label, s in scores.items()}
    ordered = sorted(scores, key=lambda label: -keys[label])
    places = {label: 1 + sum(key > keys[label] for key in keys.values()) for label in ordered}
    answers = tuple(Ranked(label, places[label], scores[label], counts[label]) for label in ordered)
    return Ranking(answers, ballots, tie=len(answers) > 1 and answers[1].place == 1)


def _places(tiers: Tiers) -> dict[str, int]:
    return {label: place for place, tier in enumerate(tiers) for label in tier}


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)
