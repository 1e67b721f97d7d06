"""Rank: everyone answers, then ranks the others' answers without knowing whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from council.events import StrategyRanked
from council.expert import Expert, opening
from council.messages import ChatMessage
from council.panel import Ask, Panel
from council.quorum import why_missing
from council.replies import Reply
from council.result import Ranking
from council.strategies.base import (
    Decision,
    OnAnswers,
    shortcomings,
    substantive,
    taken_by_weight,
    truncation_warnings,
)
from council.strategies.borda import RankedBallot, Tiers, borda
from council.strategies.marks import read_ranking
from council.strategies.peers import SHOWN_V1, Sheet, by_others, lay_out
from council.strategies.prompts import conversation, fill, has_placeholders
from council.strategies.seats import Ids, seats_named

# The form names letters, so that a reply that only repeats it is no ballot.
PROMPT_V1 = f"""\
{SHOWN_V1}

Rank these answers. Look at what they claim, whether it is true and whether it answers what was \
asked; length, tone and place in the list are no merit. Say briefly what decides. Then end with \
one line that puts the numbers of all answers in order, the best first, with = between equals:

FINAL RANKING: X > Y = Z"""

RankingPrompt = Annotated[str, has_placeholders("question", "answers")]
"""A prompt that asks for a ranking of answers."""

_TIE = "the first answers were ranked equal; the panel's order decided"
_UNREAD = "the answers could not be ranked: no reviewer gave a ballot that can be read"
_NOBODY = "the answers could not be ranked: nobody can who did not write all but one of them"


class Rank(OnAnswers):
    """The answer that the experts themselves rank highest, untouched.

    Nobody ranks an answer of its own. An answer's score is the part of the others that it beats,
    as the mean over the reviewers' ballots by their weights.

    Attributes:
        reviewers: Ids of those who rank; by default every expert whose answer counts.
        prompt: What a reviewer is asked, with `{question}` and `{answers}`.
    """

    name: ClassVar[str] = "rank"

    reviewers: Ids | None = None
    prompt: RankingPrompt = PROMPT_V1

    def seats(self) -> dict[str, list[str]]:
        """The experts that options name."""
        return {"reviewers": self.reviewers or []}

    async def decide_from(self, panel: Panel, replies: Sequence[Reply]) -> Decision:
        """Has the answers ranked."""
        counted = substantive(replies)
        panel.require_quorum(replies, counted)
        reasons = list(shortcomings(replies))
        warnings = list(truncation_warnings(counted))
        reviewed = await review(panel, counted, prompt=self.prompt, reviewers=self.reviewers)
        best = reviewed.best(panel, counted)
        reasons += reviewed.reasons
        if reviewed.ranking is None and len(counted) > 1:
            reasons.append(taken_by_weight(best))
        return Decision(
            answer=best.text,
            reasons=tuple(reasons),
            warnings=(*warnings, *reviewed.warnings),
            ranking=reviewed.ranking,
        )


@dataclass(frozen=True, slots=True)
class Review:
    """What came of asking for rankings.

    Attributes:
        ranking: None where no ballot could be counted.
        reasons: Which reviewers are missing, and why there is no ranking.
        warnings: Whose ballot could not be read, and ties.
    """

    ranking: Ranking | None
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def best(self, panel: Panel, replies: Sequence[Reply]) -> Reply:
        """The answer ranked first, without a ranking the one whose expert weighs most."""
        return self.in_order(panel, replies)[0]

    def in_order(self, panel: Panel, replies: Sequence[Reply]) -> list[Reply]:
        """The answers, best first."""
        if self.ranking is None:
            return sorted(replies, key=lambda reply: -panel.expert(reply).weight)
        by_label = {reply.label: reply for reply in replies}
        return [by_label[ranked.expert] for ranked in self.ranking.answers]


async def review(
    panel: Panel,
    replies: Sequence[Reply],
    *,
    prompt: str,
    reviewers: Sequence[str] | None = None,
    share: float = 1.0,
) -> Review:
    """Has answers ranked, each reviewer seeing the others' in an order of its own.

    Args:
        panel: The run's panel.
        replies: The answers.
        prompt: What a reviewer is asked.
        reviewers: Ids of those who rank, None for all who wrote one of the answers.
        share: The part of the time left that this may take, 0 to 1.
    """
    sheets = _sheets(panel, replies, reviewers)
    asks = [Ask(seat, _messages(panel, prompt, seat, sheet)) for seat, sheet in sheets]
    reviews = await panel.ask(asks, stage="review", share=share)
    missing = [reply for reply in reviews if not substantive([reply])]
    ballots, unread = [], []
    for (seat, sheet), reply in zip(sheets, reviews, strict=True):
        tiers = None if reply in missing else read_tiers(reply.text, sheet)
        if tiers is not None:
            ballots.append(RankedBallot(seat.id, seat.weight, tiers))
        elif reply not in missing:
            unread.append(reply)
    return _outcome(panel, replies, ballots, missing, unread)


def read_tiers(text: str, sheet: Sheet) -> Tiers | None:
    """A ranking of a sheet's answers by the labels of their authors, None if it is unreadable."""
    places = read_ranking(text, len(sheet.replies))
    if places is None:
        return None
    return tuple(tuple(sheet.label(number) for number in place) for place in places)


def _sheets(
    panel: Panel, replies: Sequence[Reply], reviewers: Sequence[str] | None
) -> list[tuple[Expert, Sheet]]:
    """Who ranks what; nobody is asked to rank fewer than two answers."""
    authors = {reply.id for reply in replies}
    named = None if reviewers is None else seats_named(panel, reviewers, "reviewers")
    seats = [seat for seat in panel.experts if seat.id in authors] if named is None else named
    sheets = [
        (seat, lay_out(panel, by_others(replies, seat.id), "review", seat.id)) for seat in seats
    ]
    return [(seat, sheet) for seat, sheet in sheets if len(sheet.replies) > 1]


def _messages(panel: Panel, prompt: str, seat: Expert, sheet: Sheet) -> tuple[ChatMessage, ...]:
    text = fill(prompt, question=panel.question, answers=sheet.text)
    return opening(conversation(panel.messages, text), seat)


def _outcome(
    panel: Panel,
    replies: Sequence[Reply],
    ballots: Sequence[RankedBallot],
    missing: Sequence[Reply],
    unread: Sequence[Reply],
) -> Review:
    reasons = [f"reviewer {why_missing(reply)}" for reply in missing]
    warnings = [
        f"the ranking of {reply.label} could not be read and is left out" for reply in unread
    ]
    if not ballots and len(replies) > 1:
        reasons.append(_UNREAD if missing or unread else _NOBODY)
    if not ballots:
        return Review(None, tuple(reasons), tuple(warnings))
    abstained = tuple(reply.id for reply in (*missing, *unread))
    found = borda(ballots, [reply.label for reply in replies])
    ranking = replace(found, abstained=abstained)
    panel.emit(StrategyRanked(panel.at, ranking))
    unranked = [ranked.expert for ranked in ranking.answers if ranked.score is None]
    warnings += [f"nobody whose ballot counts saw the answer of {label}" for label in unranked]
    if ranking.tie:
        warnings.append(_TIE)
    return Review(ranking, tuple(reasons), tuple(warnings))
