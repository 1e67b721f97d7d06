"""Auto: a vote where the answers can be counted, else the best of them made into one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from council.panel import Panel
from council.replies import Reply
from council.strategies.base import Decision, OnAnswers, substantive
from council.strategies.positions import pick_reader
from council.strategies.rank import PROMPT_V1 as RANKING_PROMPT_V1
from council.strategies.rank import RankingPrompt
from council.strategies.synthesize import PROMPT_V1 as SYNTHESIS_PROMPT_V1
from council.strategies.synthesize import SynthesisPrompt, Synthesize, comparable
from council.strategies.vote import Vote


class Auto(OnAnswers):
    """`vote` where positions can be read from the answers, else `synthesize` from the best ranked.

    Positions can be read where more than half of the answers come to a number or a choice, or all
    are a few words long. The answers are asked for once, whichever way it goes, and the result's
    `decided_by` names it.

    Attributes:
        top: How many answers to write from; they are ranked only where there are more.
        prompt: What a writer is asked, with `{question}` and `{answers}`.
        ranking_prompt: What the experts are asked who rank, with the same placeholders.
    """

    name: ClassVar[str] = "auto"

    top: int = Field(3, ge=2)
    prompt: SynthesisPrompt = SYNTHESIS_PROMPT_V1
    ranking_prompt: RankingPrompt = RANKING_PROMPT_V1

    async def decide_from(self, panel: Panel, replies: Sequence[Reply]) -> Decision:
        """Chooses the way."""
        counted = substantive(replies)
        panel.require_quorum(replies, counted)
        extract, _ = pick_reader([reply.text for reply in counted], panel.question)
        way: Vote | Synthesize = Vote()
        if not comparable(counted, extract):
            way = Synthesize(top=self.top, prompt=self.prompt, ranking_prompt=self.ranking_prompt)
        return replace(await way.decide_from(panel, replies), decided_by=way.name)
