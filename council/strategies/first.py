"""First: the first whole answer wins, and nobody else is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from council.config.fields import Seconds
from council.panel import Panel
from council.replies import Reply
from council.strategies.base import (
    Decision,
    Strategy,
    shortcomings,
    substantive,
    truncation_warnings,
)


class First(Strategy):
    """The fastest answer that counts; one is enough, whatever quorum the panel has.

    Attributes:
        hedge_after: Seconds before the next expert is asked too, while there is no answer; an
            expert that fails is followed at once. None asks all from the start.
    """

    name: ClassVar[str] = "first"

    hedge_after: Seconds | None = None

    async def decide(self, panel: Panel) -> Decision:
        """Asks until one answer counts and cancels the rest."""
        replies = await panel.ask_all(enough=_any_counts, stagger=self.hedge_after)
        counted = substantive(replies)
        panel.require_quorum(replies, counted, needed=1)
        winner = min(counted, key=lambda reply: reply.timings.total)
        return Decision(
            answer=winner.text,
            reasons=shortcomings(replies),
            warnings=truncation_warnings([winner]),
        )


def _any_counts(replies: Sequence[Reply]) -> bool:
    return bool(substantive(replies))
