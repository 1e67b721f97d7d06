"""What a round of a debate comes to: who changed its mind, and whether all agree."""

from __future__ import annotations

from collections.abc import Sequence

from council.result import Flip, FlipDirection
from council.strategies.ballots import Ballot, tally


def leading(ballots: Sequence[Ballot]) -> str | None:
    """The position that weighs most, None where there is none or several do."""
    votes = tally(ballots, "")
    return None if votes is None or votes.tie else votes.winner


def agreed(ballots: Sequence[Ballot]) -> bool:
    """Whether at least two answers take a position, and all that do the same one."""
    taken = [ballot.position for ballot in ballots if ballot.position is not None]
    return len(taken) > 1 and len(set(taken)) == 1


def flips(before: Sequence[Ballot], after: Sequence[Ballot]) -> tuple[Flip, ...]:
    """Who stands elsewhere than before; whoever took no position on either side did not move.

    Args:
        before: The ballots of round 0.
        after: The ballots now.
    """
    led = leading(before)
    stood = {ballot.label: ballot.position for ballot in before}
    return tuple(
        Flip(ballot.label, was, ballot.position, _direction(was, ballot.position, led))
        for ballot in after
        if (was := stood.get(ballot.label)) is not None
        and ballot.position is not None
        and ballot.position != was
    )


def _direction(before: str, after: str, led: str | None) -> FlipDirection:
    if led is not None and after == led:
        return "towards"
    return "away" if led is not None and before == led else "aside"
