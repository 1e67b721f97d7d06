"""Concat: all answers, labelled, with no decision."""

from __future__ import annotations

from typing import ClassVar

from council.panel import Panel
from council.strategies.base import (
    Decision,
    Strategy,
    shortcomings,
    substantive,
    truncation_warnings,
)


class Concat(Strategy):
    """Every answer that counts, one after the other under its expert's name."""

    name: ClassVar[str] = "concat"

    async def decide(self, panel: Panel) -> Decision:
        """Asks everyone and joins the answers in the panel's order."""
        replies = await panel.ask_all()
        counted = substantive(replies)
        panel.require_quorum(replies, counted)
        sections = [
            f"## {reply.label} ({reply.model})\n\n{reply.text.strip()}" for reply in counted
        ]
        return Decision(
            answer="\n\n".join(sections),
            reasons=shortcomings(replies),
            warnings=truncation_warnings(counted),
        )
