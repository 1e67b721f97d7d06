"""When a vote that is still going on is decided: pure arithmetic over the ballots so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from council.strategies.ballots import Ballot
from council.strategies.positions import UNKNOWN

Stop = Literal["exact", "statistical"]
"""`exact`: no answer still to come can change the winner. `statistical`: one could."""

# Coarser than what a tally calls equal, so that no rounding makes a tie of a lead.
_HAIR = 1e-8


def standings(ballots: Sequence[Ballot]) -> list[tuple[str, float]]:
    """Each position with its weight, heaviest first, whatever order the ballots came in."""
    groups: dict[str, list[float]] = {}
    for ballot in ballots:
        if ballot.position is not None:
            groups.setdefault(ballot.position, []).append(ballot.weight)
    weights = {position: math.fsum(weights) for position, weights in groups.items()}
    return sorted(weights.items(), key=lambda item: (-item[1], item[0]))


def lead(ballots: Sequence[Ballot]) -> tuple[float, float]:
    """The weight of the leading position and of the one after it, 0 where there is none."""
    weights = [weight for _, weight in standings(ballots)]
    first, second, *_ = [*weights, 0.0, 0.0]
    return first, second


def is_decided(ballots: Sequence[Ballot], to_come: float, margin: float = 0.0) -> bool:
    """Whether the leader wins whatever is still to come, and not by a tie.

    Args:
        ballots: Those counted so far.
        to_come: The summed weight of all answers that are not counted yet.
        margin: The share of all weight by which it has to win at least, 0 to 1.
    """
    first, second = lead(ballots)
    cast = math.fsum(ballot.weight for ballot in ballots if ballot.position is not None)
    return first - second - to_come > margin * (cast + to_come) + _HAIR


def chance_of_lead(first: float, second: float) -> float:
    """How likely the leading answer is the commoner one of two, if answers are drawn by lot.

    That is the Beta criterion of adaptive consistency (arXiv 2305.11860): the posterior of the
    leader's share against the runner-up's over a uniform prior. It takes answers for independent
    draws from one source, which the answers of models are not. Counts that are no whole numbers
    are rounded to the runner-up's favour.

    Args:
        first: How often the leading answer was given.
        second: How often the one after it was.
    """
    ahead, behind = math.floor(first + _HAIR), math.ceil(second - _HAIR)
    draws = ahead + behind + 1
    favourable: int = sum(math.comb(draws, k) for k in range(ahead + 1))
    return favourable / (1 << draws)


def is_likely(ballots: Sequence[Ballot], heaviest: float, confidence: float) -> bool:
    """Whether the leader is likely enough to stay ahead by `chance_of_lead`.

    Args:
        ballots: Those counted so far.
        heaviest: The weight of the panel's heaviest answer, asked for or not: it counts as one
            draw and lighter ones as less, so that light answers alone decide nothing.
        confidence: From which chance on, 0 to 1.
    """
    first, second = lead(ballots)
    return chance_of_lead(first / heaviest, second / heaviest) >= confidence


def agrees(ballots: Sequence[Ballot], margin: float) -> bool:
    """Whether answers agree so far that nobody else needs to be asked.

    Agreeing on not knowing is no reason to stop, and whoever takes no position does not agree.

    Args:
        ballots: Of all answers that count, those without a position included.
        margin: How far the leader has to be ahead, as a share of all weight, 0 to 1.
    """
    ranked = standings(ballots)
    if not ranked or ranked[0][0] == UNKNOWN:
        return False
    first, second = lead(ballots)
    total = math.fsum(ballot.weight for ballot in ballots)
    return (first - second) / total >= margin - _HAIR
