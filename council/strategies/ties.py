"""Who wins a tie."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Literal

from council.errors import StrategyError
from council.result import Position, Votes
from council.strategies.positions import UNKNOWN

Tie = Literal["order", "random", "abstain"]


def tied(votes: Votes) -> list[Position]:
    """The positions that weigh as much as the first, not knowing left out unless it is alone."""
    first = votes.positions[0]
    equal = [p for p in votes.positions if round(first.weight - p.weight, 9) == 0]
    return [p for p in equal if p.value != UNKNOWN] or equal


def break_tie(votes: Votes, tie: Tie, lot: Random) -> Votes:
    """The tally with the winner of a tie in the first place.

    Args:
        votes: A tally, its tie decided by the panel's order.
        tie: Who is to win.
        lot: Where a draw comes from.

    Raises:
        StrategyError: There is a tie, and nobody is to win it.
    """
    equal = tied(votes)
    if len(equal) == 1 or tie == "order":
        return votes
    if tie == "abstain":
        values = " and ".join(repr(position.value) for position in equal)
        raise StrategyError(f"the vote was a tie between {values} (tie: abstain)")
    # By value: the draw must not depend on who supports what.
    winner = lot.choice(sorted(equal, key=lambda position: position.value))
    others = [position for position in votes.positions if position is not winner]
    return replace(votes, winner=winner.value, positions=(winner, *others))
