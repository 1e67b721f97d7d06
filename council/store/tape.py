"""Replies of an earlier run, to be given once more to the same requests."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import ClassVar

import anyio

from council.errors import StrategyError
from council.panel import Panel
from council.store.records import Origin, RecordedReply
from council.strategies import Decision, Strategy


class Tape:
    """Gives each recorded reply once, to the same expert for the same request.

    Samples of an expert may be asked alike: they get the replies in the order in which they were
    asked then, whole ones first.

    Args:
        run: The id of the run that the replies are from.
        replies: What became of its requests.
        live: Whether what is not there may be asked. Then only whole replies are given, and what
            had failed is asked again; else failures are given too, as failures.
        origin: What the run with this tape is.
    """

    def __init__(
        self,
        run: str,
        replies: Sequence[RecordedReply],
        *,
        live: bool,
        origin: Origin,
    ) -> None:
        self.run = run
        self.live = live
        self.origin: Origin = origin
        self.missed: list[str] = []
        """Experts that were to be asked something that is not in the record."""
        self.on_miss: Callable[[], None] | None = None
        """Called when that happens, where it ends the run."""
        self._replies: defaultdict[tuple[str, str], deque[RecordedReply]] = defaultdict(deque)
        for reply in sorted(replies, key=_wholeness):
            if reply.tokens or not live:
                self._replies[reply.expert, reply.fingerprint].append(reply)

    def take(self, expert: str, fingerprint: str) -> RecordedReply | None:
        """The next reply to that request, None where there is none (any more)."""
        replies = self._replies.get((expert, fingerprint))
        return replies.popleft() if replies else None

    def miss(self, expert: str) -> None:
        """An expert would have to be asked."""
        self.missed.append(expert)
        if self.on_miss is not None:
            self.on_miss()

    def guard(self, strategy: Strategy) -> Strategy:
        """The strategy, ended by a clear error once it wants to ask what may not be asked.

        Without this the question not asked would be one more expert that failed, and the strategy
        would decide without it.
        """
        tape = self

        class DecidedFromRecord(Strategy):
            name: ClassVar[str] = strategy.name

            async def decide(self, panel: Panel) -> Decision:
                with anyio.CancelScope() as scope:
                    tape.on_miss = scope.cancel
                    return await strategy.decide(panel)
                raise StrategyError(tape.complaint(strategy.name))

        return strategy if self.live else DecidedFromRecord()

    def complaint(self, strategy: str) -> str:
        """What is missing and what to do about it."""
        return (
            f"{strategy} wants to ask {self.missed[0]} something that the record of run"
            f" {self.run[:8]} does not hold: --ask asks it"
        )


def _wholeness(reply: RecordedReply) -> tuple[bool, bool, int]:
    return not reply.tokens, reply.failure is None, reply.number
