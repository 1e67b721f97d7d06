"""Vote: positions are read from the answers, the heaviest wins."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from council.errors import StrategyError
from council.events import StrategyTallied
from council.panel import Panel
from council.quorum import why_missing, without_form
from council.replies import Reply
from council.result import Votes
from council.strategies.ballots import agreement, dissent, spokesman, tally
from council.strategies.base import (
    Decision,
    Strategy,
    shortcomings,
    substantive,
    truncation_warnings,
)
from council.strategies.extractors import AutoExtractor, Closed, Extract, SemanticExtractor
from council.strategies.gathering import Gathered, Waves, ask_in_steps
from council.strategies.reading import read_ballots
from council.strategies.remarks import about_confidence, remarks
from council.strategies.ties import Tie, break_tie

_JSON = "json"


class Vote(Strategy):
    """Majority of what the answers come to, weighted.

    Attributes:
        extract: How a position is read from an answer: `auto`, `number`, `choice`, `text`,
            `exact`, `json`, `regex` or `semantic`; those with options as a mapping with `kind`.
        tie: Who wins a tie: the position whose first supporter comes first (`order`), one drawn
            by the run's seed (`random`), or nobody (`abstain`: the run fails and says so). Not
            knowing loses any tie.
        min_margin: The share of the weight between the first and the second position, 0 to 1,
            below which the result is degraded. `adaptive` asks on until it is sure to be reached.
        adaptive: Ask in waves, and stop when no answer still to come could change the winner.
            Costs time: a wave waits for the one before it.
        wave: How many requests a wave has.
        confidence: Stop or be content, too, when the lead is that likely to last by adaptive
            consistency's criterion; that may be wrong, and a warning says so. For `adaptive`
            and `cascade`.
        cascade: How many experts to have asked after each step, `all` at last (`[1, 3, all]`): the
            first experts are asked, and more only while those asked do not agree; drafts are kept.
            A single answer counts as agreement if a position can be read from it, unless
            `confidence` or the panel's quorum asks for more. Agreement among few, which may be
            wrong together, is what the others are not asked for: a warning says so.
        cascade_margin: How far the leading position has to be ahead for `cascade` to end, as a
            share of the weight of all answers that count, 0 to 1; 1 is unanimity.
    """

    name: ClassVar[str] = "vote"

    extract: Extract = AutoExtractor()
    tie: Tie = "order"
    min_margin: float = Field(0.0, ge=0, le=1)
    adaptive: bool = False
    wave: int = Field(3, ge=1)
    confidence: float | None = Field(None, gt=0.5, lt=1)
    cascade: list[int | Literal["all"]] | None = None
    cascade_margin: float = Field(1.0, gt=0, le=1)

    @field_validator("cascade")
    @classmethod
    def _rises(cls, steps: list[int | Literal["all"]] | None) -> list[int | Literal["all"]] | None:
        numbers = [step for step in steps or [] if isinstance(step, int)]
        if steps is not None and (
            steps != [*sorted(set(numbers)), "all"] or not numbers or numbers[0] < 1
        ):
            raise ValueError("expected rising numbers of experts and `all` at the end: [1, 3, all]")
        return steps

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.adaptive and self.cascade:
            raise ValueError("adaptive and cascade are two ways of asking fewer: leave one out")
        if self.confidence is not None and not (self.adaptive or self.cascade):
            raise ValueError(
                "confidence says when to stop asking: it needs `adaptive` or `cascade`"
            )
        if self.adaptive and not isinstance(self.extract, Closed):
            raise ValueError(
                f"adaptive needs to read each answer by itself, which extract: {self.extract.kind}"
                " cannot: use cascade, or another extractor"
            )
        if self.adaptive and self.extract.confidence:
            raise ValueError(
                "adaptive needs weights that no later answer changes, and extract.confidence"
                " compares all answers: leave one out"
            )
        return self

    @property
    def needs_embedder(self) -> bool:
        """Whether positions are groups of vectors."""
        return isinstance(self.extract, SemanticExtractor)

    async def decide(self, panel: Panel) -> Decision:
        """Asks and counts; the answer is the text of one who voted for the winner."""
        return await self._count(panel, await self._gather(panel))

    async def decide_from(self, panel: Panel, replies: Sequence[Reply]) -> Decision:
        """Counts answers that are there already.

        Args:
            panel: The run's panel.
            replies: One for each expert and sample, in the panel's order.
        """
        return await self._count(panel, Gathered(replies))

    async def _gather(self, panel: Panel) -> Gathered:
        if self.cascade:
            return await ask_in_steps(
                panel, self.extract, self.cascade, self.cascade_margin, self.confidence
            )
        if self.adaptive and isinstance(self.extract, Closed):
            waves = Waves(panel, self.extract, self.wave, self.min_margin, self.confidence)
            return await waves.run()
        return Gathered(await panel.ask_all())

    async def _count(self, panel: Panel, gathered: Gathered) -> Decision:
        counted = substantive(gathered.replies)
        extract, cast = await read_ballots(panel, counted, gathered.extract or self.extract)
        readable = [reply for reply, ballot in zip(counted, cast, strict=True) if ballot.position]
        why = partial(_why_uncounted, counted=counted, extract=extract)
        panel.require_quorum(gathered.replies, readable, asked=gathered.asked, why=why)
        votes = tally(cast, extract)
        if votes is None:
            raise StrategyError("no answer held a position that could be counted")
        votes = break_tie(votes, self.tie, panel.lot("tie"))
        panel.emit(StrategyTallied(panel.at, votes))
        return Decision(
            answer=spokesman(cast, votes.winner).text,
            votes=votes,
            agreement=agreement(votes, cast),
            dissent=dissent(votes, cast),
            reasons=(*shortcomings(gathered.replies), *self._doubts(votes)),
            warnings=(
                *truncation_warnings(counted),
                *remarks(panel, votes, gathered, self.tie, self.confidence),
                *(about_confidence(cast) if self.extract.confidence else ()),
            ),
            saved=gathered.saved,
        )

    def _doubts(self, votes: Votes) -> list[str]:
        if votes.margin >= self.min_margin:
            return []
        return [
            f"the vote was close: a margin of {votes.margin:.2g} of the weight, and min_margin is"
            f" {self.min_margin:g}"
        ]


def _why_uncounted(reply: Reply, counted: Sequence[Reply], extract: str) -> str:
    """Why a reply has no ballot; one that was read as JSON in vain took no other position."""
    formless = extract == _JSON and any(reply is each for each in counted)
    return without_form(reply) if formless else why_missing(reply)
