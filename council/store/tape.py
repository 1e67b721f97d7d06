"""Replies of an earlier run, to be given once more to the same requests."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import ClassVar

import anyio

from council.errors import StrategyError
from council.messages import ChatRequest
from council.panel import Panel
from council.store.canonical import fingerprint, request_text
from council.store.records import Origin, RecordedReply, RecordedVector
from council.strategies import Decision, Strategy


class Tape:
    """Gives each recorded reply once, to the same expert for the same request.

    Samples of an expert may be asked alike: they get the replies in the order of their numbers,
    whole ones first.

    Args:
        run: The id of the run that the replies are from.
        replies: What became of its requests.
        vectors: The vectors of its texts.
        live: Whether what is not there may be asked. Then only whole replies are given, and what
            had failed is asked again; else failures are given too, as failures.
        origin: What the run with this tape is.
        asked: The id of the run that asked, where `run` itself was decided anew.
    """

    def __init__(
        self,
        run: str,
        replies: Sequence[RecordedReply],
        vectors: Sequence[RecordedVector] = (),
        *,
        live: bool,
        origin: Origin,
        asked: str = "",
    ) -> None:
        self.run = run
        self.asked = asked or run
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
        self._laid_out: dict[str, RecordedReply] = {}
        self._vectors = {(vector.space, vector.text): vector for vector in vectors}

    @property
    def embedded_by(self) -> RecordedVector | None:
        """One of the vectors, for who made them: a run has one embedder. None without vectors."""
        return next(iter(self._vectors.values()), None)

    def vector(self, space: str, text: str) -> RecordedVector | None:
        """The vector of a text in that space, None where there is none."""
        return self._vectors.get((space, text))

    def lay_out(self, expert: str, request: ChatRequest) -> int | None:
        """Sets aside the reply to a request that is going to be made.

        Returns:
            Its place in the order in which replies ended then; None where it did not, or there is
            none.
        """
        reply = self._next(expert, fingerprint(request_text(request)))
        if reply is None:
            return None
        self._laid_out[request.request_id] = reply
        return reply.ended

    def take(self, expert: str, request: ChatRequest) -> RecordedReply | None:
        """The next reply to that request, None where there is none (any more)."""
        laid_out = self._laid_out.pop(request.request_id, None)
        return laid_out or self._next(expert, fingerprint(request_text(request)))

    def _next(self, expert: str, mark: str) -> RecordedReply | None:
        replies = self._replies.get((expert, mark))
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
