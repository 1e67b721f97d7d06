"""The contract of a strategy, and which answers count."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from council.messages import FinishReason
from council.panel import Panel
from council.quorum import why_missing
from council.replies import Reply
from council.result import Agreement, Dissent, Ranking, Round, Votes


@dataclass(frozen=True, slots=True)
class Decision:
    """What a strategy made of the answers.

    Attributes:
        answer: The panel's answer.
        votes: The tally, where one was counted.
        agreement: How far the answers agree, where they could be compared.
        dissent: Positions that lost.
        decider: The reply of whoever wrote the answer; its tokens have gone out already. With
            `chosen`, of whoever chose the answer, which has not gone out.
        reasons: What makes the result `degraded` besides missing experts.
        warnings: What the reader should know besides.
        chosen: The decider chose among the answers and wrote none.
        decided_by: The name of the strategy that decided, where this one chose between several.
        ranking: The answers ranked, where they were.
        rounds: The rounds of a debate.
        saved: How many requests were never sent because the answers so far decided.
        parsed: The answer as the value that the run asked for; set by the run, not by a strategy.
    """

    answer: str
    votes: Votes | None = None
    agreement: Agreement | None = None
    dissent: tuple[Dissent, ...] = ()
    decider: Reply | None = None
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    chosen: bool = False
    decided_by: str | None = None
    ranking: Ranking | None = None
    rounds: tuple[Round, ...] = ()
    saved: int = 0
    parsed: Any = None


class Strategy(BaseModel):
    """A way of deciding; its fields are the options that a panel file may set.

    `name` is what panel files call it. A strategy asks through the panel and decides; it knows
    neither sockets nor tasks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    name: ClassVar[str]

    def seats(self) -> dict[str, list[str]]:
        """The ids of experts and synthesizers that each option names: they have to be there."""
        return {}

    @property
    def needs_embedder(self) -> bool:
        """Whether it cannot decide without the panel's embedder."""
        return False

    @abstractmethod
    async def decide(self, panel: Panel) -> Decision:
        """Runs the panel to a decision.

        Raises:
            QuorumLost: Too few answers count.
            LimitExceeded: The run's deadline left too few.
            StrategyError: The answers did not allow a decision.
        """


class OnAnswers(Strategy):
    """A strategy that has everyone answer first, and decides on answers that are there.

    Attributes:
        answer_share: The part of the run's time that the answers may take.
    """

    answer_share: float = Field(0.6, gt=0, lt=1)

    async def decide(self, panel: Panel) -> Decision:
        """Asks everyone, then decides."""
        return await self.decide_from(panel, await panel.ask_all(share=self.answer_share))

    @abstractmethod
    async def decide_from(self, panel: Panel, replies: Sequence[Reply]) -> Decision:
        """Decides on answers that are there already; errors as for `decide`."""


def heaviest(panel: Panel, replies: Sequence[Reply]) -> Reply:
    """The answer whose expert weighs most, of several the first."""
    return max(replies, key=lambda reply: panel.expert(reply).weight)


def taken_by_weight(reply: Reply) -> str:
    """A reason: nothing but its expert's weight speaks for an answer."""
    return f"the answer of {reply.label} was taken, by weight and the panel's order"


_REFUSAL = re.compile(
    r"^\W*(?:i['’]?m |i am )?(?:sorry\W+|unfortunately\W+)*(?:but )?(?:as an ai\b|"
    r"i (?:can['’]?t|cannot|can not|won['’]?t|am unable to|am not able to|must decline)\b)",
    re.IGNORECASE,
)
_REFUSED_ACT = re.compile(
    r"\b(?:help|assist|comply|provide|answer|do that|fulfil\w*|continue|discuss|decline)\b",
    re.IGNORECASE,
)
_TURN = re.compile(r"\b(?:but|however|though|instead|that said)\b", re.IGNORECASE)
_REFUSAL_CHARACTERS = 400


def is_refusal(text: str) -> bool:
    """Whether a text declines to answer; long texts that merely begin modestly do not."""
    match = _REFUSAL.match(text.strip())
    if match is None or len(text) > _REFUSAL_CHARACTERS:
        return False
    rest = text.strip()[match.end() :]
    return _REFUSED_ACT.search(rest) is not None and _TURN.search(rest) is None


def substantive(replies: Sequence[Reply]) -> list[Reply]:
    """The replies that count: whole, not empty, not filtered, not a refusal, and no tool's call.

    What was written before a tool is called is no answer yet, and nobody here calls it.
    """
    return [
        reply
        for reply in replies
        if reply.status == "complete"
        and reply.text.strip()
        and reply.finish_reason not in ("content_filter", "tool_calls")
        and not reply.tool_calls
        and not reply.refusal
        and not is_refusal(reply.text)
    ]


def shortcomings(replies: Sequence[Reply]) -> tuple[str, ...]:
    """Why each reply that does not count does not; those cancelled on purpose are no fault."""
    counted = {id(reply) for reply in substantive(replies)}
    return tuple(
        why_missing(reply)
        for reply in replies
        if id(reply) not in counted and reply.status != "cancelled"
    )


def truncation_warnings(replies: Sequence[Reply]) -> tuple[str, ...]:
    """A warning for each reply that is, or may be, not whole."""
    return tuple(
        f"{reply.label} {_ENDS[reply.finish_reason]}"
        for reply in replies
        if reply.finish_reason in _ENDS
    )


_ENDS: dict[FinishReason | None, str] = {
    "length": "was cut off at its token limit (finish reason 'length')",
    "other": "may not be whole: its server gave a finish reason that council does not know",
}
