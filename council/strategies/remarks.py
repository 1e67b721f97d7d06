"""What the reader of a vote's result should know besides the answer, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

from council.panel import Panel
from council.result import Votes
from council.strategies.ballots import Ballot
from council.strategies.confidence import stated
from council.strategies.gathering import Gathered
from council.strategies.ties import Tie, tied

_TIE_UNKNOWN = "the vote was a tie between an answer and not knowing; the answer was taken"
_DECIDERS: dict[Tie, str] = {
    "order": "the vote was a tie; the panel's order decided",
    "random": "the vote was a tie; a draw by the run's seed decided",
}


def remarks(
    panel: Panel, votes: Votes, gathered: Gathered, tie: Tie, confidence: float | None
) -> list[str]:
    """Warnings about a vote: small panels, ties, abstentions, early ends.

    Args:
        panel: The run's panel.
        votes: The tally.
        gathered: The answers, and why there are no more of them.
        tie: Who wins a tie.
        confidence: What the statistical rule was asked for.
    """
    return [
        *_about_size(panel, votes),
        *_about_tie(votes, tie),
        *(f"{label} took no position that could be counted" for label in votes.abstained),
        *_about_stop(panel, gathered, confidence),
    ]


def about_confidence(ballots: Sequence[Ballot]) -> list[str]:
    """A warning about a vote that is weighed by stated confidence."""
    number = sum(stated(ballot.text) is not None for ballot in ballots)
    return [
        f"{number} of {len(ballots)} answers state a confidence, which weighs their votes: it is"
        " what the models say, and no probability"
    ]


def _about_size(panel: Panel, votes: Votes) -> list[str]:
    if len(panel.experts) == 1:
        return ["a panel of one: no other expert could have disagreed"]
    if len(panel.experts) == 2 and len(votes.positions) > 1:
        return ["the two experts disagree, and there is no third"]
    return []


def _about_tie(votes: Votes, tie: Tie) -> list[str]:
    if not votes.tie:
        return []
    return [_TIE_UNKNOWN if len(tied(votes)) == 1 else _DECIDERS[tie]]


def _about_stop(panel: Panel, gathered: Gathered, confidence: float | None) -> list[str]:
    if gathered.stop == "statistical":
        there = sum(reply.status != "cancelled" for reply in gathered.replies)
        return [
            f"stopped after {there} of {len(gathered.replies) + gathered.saved} requests, since the"
            f" lead is likely to last (confidence: {confidence:g}): the whole panel could have"
            " decided otherwise"
        ]
    if gathered.asked is not None:
        return [
            f"asked {gathered.asked} of {len(panel.experts)} experts: their answers agree, and"
            " the others could have disagreed"
        ]
    return []
