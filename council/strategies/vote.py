"""Vote: everyone answers once, positions are read from the answers, the heaviest wins."""

from __future__ import annotations

from typing import ClassVar, Literal

from council.errors import StrategyError
from council.events import StrategyTallied
from council.panel import Panel
from council.strategies.ballots import agreement, collect, dissent, spokesman, tally
from council.strategies.base import (
    Decision,
    Strategy,
    shortcomings,
    substantive,
    truncation_warnings,
)
from council.strategies.positions import UNKNOWN

_TIE = "the vote was a tie; the panel's order decided"
_TIE_UNKNOWN = "the vote was a tie between an answer and not knowing; the answer was taken"


class Vote(Strategy):
    """Majority of what the answers come to, weighted.

    Attributes:
        extract: How a position is read from an answer: `number`, `choice`, `text`, or `auto`
            for the first of these that reads more than half of the answers.
    """

    name: ClassVar[str] = "vote"

    extract: Literal["auto", "number", "choice", "text"] = "auto"

    async def decide(self, panel: Panel) -> Decision:
        """Asks everyone and counts; the answer is the text of one who voted for the winner."""
        replies = await panel.ask_all()
        counted = substantive(replies)
        extract, cast = collect(counted, panel.experts, panel.question, self.extract)
        readable = [reply for reply, ballot in zip(counted, cast, strict=True) if ballot.position]
        panel.require_quorum(replies, readable)
        votes = tally(cast, extract)
        if votes is None:
            raise StrategyError("no answer held a position that could be counted")
        panel.emit(StrategyTallied(panel.at, votes))
        warnings = [*truncation_warnings(counted)]
        if votes.tie:
            unknown_lost = votes.positions[1].value == UNKNOWN
            warnings.append(_TIE_UNKNOWN if unknown_lost else _TIE)
        warnings += [f"{label} took no position that could be counted" for label in votes.abstained]
        return Decision(
            answer=spokesman(cast, votes.winner).text,
            votes=votes,
            agreement=agreement(votes, cast),
            dissent=dissent(votes, cast),
            reasons=shortcomings(replies),
            warnings=tuple(warnings),
        )
