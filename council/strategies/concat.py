"""Concat: all answers, labelled, with no decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from council.panel import Panel
from council.replies import Reply
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
        return Decision(
            answer=joined(counted),
            reasons=shortcomings(replies),
            warnings=truncation_warnings(counted),
        )


def joined(replies: Sequence[Reply], *, named: bool = True) -> str:
    """Answers one after the other, under their experts' names, or under numbers."""
    titles = [
        f"{reply.label} ({reply.model})" if named else f"Answer {number}"
        for number, reply in enumerate(replies, start=1)
    ]
    return "\n\n".join(
        f"## {title}\n\n{reply.text.strip()}" for title, reply in zip(titles, replies, strict=True)
    )
