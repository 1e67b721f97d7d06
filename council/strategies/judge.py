"""Judge: one model chooses among the answers, sees them in both orders, and writes none itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Annotated, ClassVar, Literal

from council.events import StrategyRanked, StrategyStandIn
from council.expert import Expert
from council.messages import ChatMessage
from council.panel import Ask, Panel
from council.replies import Reply
from council.strategies.base import (
    Decision,
    OnAnswers,
    heaviest,
    shortcomings,
    substantive,
    taken_by_weight,
    truncation_warnings,
)
from council.strategies.hearing import Hearing, ReadPlaces, compared
from council.strategies.marks import Places, best_first, by_score, read_best, read_scores
from council.strategies.peers import SHOWN_V1, Sheet, by_others, lay_out
from council.strategies.prompts import conversation, fill, has_placeholders
from council.strategies.seats import Ids, seats_named

_BEFORE = f"""\
{SHOWN_V1}

Judge what they claim: whether it is true, and whether it answers what was asked. Length, tone and \
place in the list are no merit. Give your reasons in a few sentences. Then end with one line """

# The forms name letters, so that a reply that only repeats them decides nothing.
PICK_V1 = f"""{_BEFORE}with the number of the best answer:

BEST: X"""

PAIRWISE_V1 = f"""{_BEFORE}with the number of the better answer, or with TIE if neither is:

BEST: X"""

SCORE_V1 = f"""{_BEFORE}that scores every answer from 0 (useless) to 10 (faultless):

SCORES: X=S, Y=S"""

Mode = Literal["pick", "pairwise", "score"]

_PROMPTS: dict[Mode, str] = {"pick": PICK_V1, "pairwise": PAIRWISE_V1, "score": SCORE_V1}


def _pick(text: str, answers: int) -> Places | None:
    best = read_best(text, answers)
    return None if best is None else best_first(best, answers)


def _score(text: str, answers: int) -> Places | None:
    scores = read_scores(text, answers)
    return None if scores is None else by_score(scores)


_READ: dict[Mode, ReadPlaces] = {"pick": _pick, "pairwise": _pick, "score": _score}
_TIE = "the judge put the first answers level; the panel's order decided"


class Judge(OnAnswers):
    """The answer that a judge prefers, untouched.

    Every comparison is asked for in both orders of the answers, and what turns round with the
    order is a tie. A judge that is on the panel does not judge its own answer: it chooses among
    the others', and is passed over where they are fewer than two. Judges are tried in order until
    one decides something in both orders.

    Attributes:
        judge: Ids of experts or synthesizers, in order of preference; by default the panel's
            synthesizers, and without those its experts.
        mode: `pick` asks for the best of all (two requests), `score` for a score of each (two
            requests), `pairwise` for the better of each pair (n * (n - 1) requests).
        prompt: What the judge is asked, with `{question}` and `{answers}`; by default one that
            fits the mode.
    """

    name: ClassVar[str] = "judge"

    judge: Ids | None = None
    mode: Mode = "pick"
    prompt: Annotated[str, has_placeholders("question", "answers")] | None = None

    def seats(self) -> dict[str, list[str]]:
        """The experts and synthesizers that options name."""
        return {"judge": self.judge or []}

    async def decide_from(self, panel: Panel, replies: Sequence[Reply]) -> Decision:
        """Asks a judge."""
        counted = substantive(replies)
        panel.require_quorum(replies, counted)
        reasons = list(shortcomings(replies))
        # An answer that is the only one is nobody's to judge.
        heard = await self._heard(panel, counted, reasons) if len(counted) > 1 else None
        if heard is None:
            return _no_decision(panel, counted, reasons)
        return _decision(panel, counted, heard, reasons)

    async def _heard(
        self, panel: Panel, replies: Sequence[Reply], reasons: list[str]
    ) -> Hearing | None:
        """The first judge that decided something; reasons say who failed."""
        named = None if self.judge is None else seats_named(panel, self.judge, "judge")
        bench = [
            (seat, others)
            for seat in named or panel.writers
            if len(others := by_others(replies, seat.id)) > 1
        ]
        if not bench:
            reasons.append("nobody may judge: each judge wrote all but one of the answers")
        for place, (judge, others) in enumerate(bench):
            following = bench[place + 1 :]
            heard = await self._hear(panel, judge, others, share=0.5 if following else 1.0)
            if heard.decided:
                return heard
            stand_in = following[0][0].id if following else "a member's own answer"
            panel.emit(StrategyStandIn(panel.at, judge.id, stand_in, heard.why_useless))
            reasons.append(f"judge {heard.why_useless}; {stand_in} stood in")
        return None

    async def _hear(
        self, panel: Panel, judge: Expert, answers: Sequence[Reply], share: float
    ) -> Hearing:
        """Puts all comparisons to one judge at once, each in both orders."""
        drawn = lay_out(panel, answers, "judge", judge.id)
        sheets = [drawn]
        if self.mode == "pairwise":
            sheets = [Sheet(pair) for pair in combinations(drawn.replies, 2)]
        both = [each for sheet in sheets for each in (sheet, sheet.reversed())]
        asks = [Ask(judge, self._messages(panel, sheet), i) for i, sheet in enumerate(both)]
        replies = await panel.ask(asks, stage="judge", share=share)
        pairs = zip(sheets, replies[::2], replies[1::2], strict=True)
        read = _READ[self.mode]
        heard = tuple(compared(sheet, two, read) for sheet, *two in pairs)
        return Hearing(judge.id, heard, _kin(panel, judge, answers))

    def _messages(self, panel: Panel, sheet: Sheet) -> tuple[ChatMessage, ...]:
        prompt = self.prompt or _PROMPTS[self.mode]
        text = fill(prompt, question=panel.question, answers=sheet.text)
        return conversation(panel.messages, text)


def _kin(panel: Panel, judge: Expert, answers: Sequence[Reply]) -> tuple[str, ...]:
    """The answers from the judge's model family; none where all are."""
    found = [
        answer.label for answer in answers if panel.expert(answer).info.family == judge.info.family
    ]
    return tuple(found) if len(found) < len(answers) else ()


def _no_decision(panel: Panel, replies: Sequence[Reply], reasons: list[str]) -> Decision:
    best = heaviest(panel, replies)
    if len(replies) > 1:
        reasons.append(taken_by_weight(best))
    return Decision(best.text, reasons=tuple(reasons), warnings=truncation_warnings(replies))


def _decision(
    panel: Panel, replies: Sequence[Reply], heard: Hearing, reasons: Sequence[str]
) -> Decision:
    ranking = heard.ranking([reply.label for reply in replies])
    panel.emit(StrategyRanked(panel.at, ranking))
    own = [ranked.expert for ranked in ranking.answers if ranked.score is None]
    warnings = [*truncation_warnings(replies), *heard.warnings]
    warnings += [f"the answer of {label} was not judged: it is the judge's own" for label in own]
    best = ranking.answers[0].expert
    return Decision(
        answer=next(reply.text for reply in replies if reply.label == best),
        decider=heard.speaker,
        chosen=True,
        ranking=ranking,
        reasons=(*reasons, *(f"judge {why}" for why in heard.failures)),
        warnings=(*warnings, *([_TIE] if ranking.tie else [])),
    )
