"""Asking no more experts than a vote needs: in waves to a decision, in steps to agreement."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from council.panel import Ask, Panel
from council.replies import Reply
from council.strategies.ballots import Ballot, ballot_weight, collect
from council.strategies.base import substantive
from council.strategies.extractors import Closed, Extractor
from council.strategies.reading import read_ballots
from council.strategies.stopping import Stop, agrees, is_decided, is_likely

# While others could still be asked, those who hang must not take all the time.
_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Gathered:
    """The answers that a vote is to be decided by.

    Attributes:
        replies: One for each request, in the panel's order.
        extract: How positions are read, where that was settled before all answers were there.
        asked: How many experts were asked on purpose, None for all.
        saved: How many requests were never sent.
        stop: By which rule the vote was stopped early, None where it was not.
    """

    replies: Sequence[Reply]
    extract: Extractor | None = None
    asked: int | None = None
    saved: int = 0
    stop: Stop | None = None


class Waves:
    """Asks in waves, first samples first, until the vote is decided.

    Args:
        panel: The run's panel.
        extract: How positions are read. One that chooses between readers does so by the first
            wave's answers: a lead is safe for one reader, and need not be for another. If nothing
            is decided early, the vote chooses anew from all answers.
        size: How many requests a wave has.
        margin: By which share of the weight the winner has to win, 0 to 1.
        confidence: From which chance on a lead is taken for safe; None for leads that are.
    """

    def __init__(
        self, panel: Panel, extract: Closed, size: int, margin: float, confidence: float | None
    ) -> None:
        self._panel = panel
        self._margin = margin
        self._extract = extract
        self._confidence = confidence
        self._settled: Closed | None = None
        self._stop: Stop | None = None
        # Stable: among equal samples the panel's order stays.
        self._asks = sorted(panel.asks(), key=lambda ask: ask.sample)
        self._size = size
        self._done: list[Reply] = []

    async def run(self) -> Gathered:
        """Asks until the vote is decided or everybody was asked."""
        sent = 0
        for wave in _waves(self._asks, self._size):
            sent += len(wave)
            share = 1.0 if sent == len(self._asks) else _SHARE
            self._done += await self._panel.ask(wave, enough=self._is_enough, share=share)
            if self._stop or self._is_enough([]):
                break
        return Gathered(
            replies=self._panel.in_order(self._done),
            extract=self._settled if self._stop else None,
            saved=len(self._asks) - sent,
            stop=self._stop,
        )

    def _is_enough(self, new: Sequence[Reply]) -> bool:
        """Notes by which rule the vote is decided, if it is; that stays so."""
        replies = self._panel.in_order([*self._done, *new])
        counted = substantive(replies)
        texts = [reply.text for reply in counted]
        if self._settled is None:
            fixed = self._extract.settled([], self._panel.question) is self._extract
            if not fixed and (new or not texts):
                return False
            self._settled = self._extract.settled(texts, self._panel.question)
        if self._stop is None:
            self._stop = self._rule(replies, counted, self._settled)
        return self._stop is not None

    def _rule(
        self, replies: Sequence[Reply], counted: Sequence[Reply], extract: Closed
    ) -> Stop | None:
        panel = self._panel
        _, ballots = collect(counted, panel.experts, panel.question, extract, earlier=panel.earlier)
        readable = [r for r, ballot in zip(counted, ballots, strict=True) if ballot.position]
        if not panel.has_quorum(readable):
            return None
        if is_decided(ballots, self._to_come(replies), self._margin):
            return "exact"
        heaviest = max(map(ballot_weight, panel.experts))
        if self._confidence and is_likely(ballots, heaviest, self._confidence):
            return "statistical"
        return None

    def _to_come(self, replies: Sequence[Reply]) -> float:
        """The weight of all answers that are not there yet, and may still come."""
        settled = {(reply.id, reply.sample) for reply in replies}
        return math.fsum(
            ballot_weight(ask.expert)
            for ask in self._asks
            if (ask.expert.id, ask.sample) not in settled
        )


async def ask_in_steps(
    panel: Panel,
    extract: Extractor,
    steps: Sequence[int | str],
    margin: float,
    confidence: float | None,
) -> Gathered:
    """Asks the first experts, then more of them, until those asked agree.

    Args:
        panel: The run's panel.
        extract: How positions are read.
        steps: How many experts to have asked after each step, `all` at last.
        margin: See `stopping.agrees`.
        confidence: See `stopping.is_likely`; None to be content with the margin.

    Raises:
        StrategyError: The answers have to be embedded, and could not be.
    """
    asks, replies = panel.asks(), list[Reply]()
    total = len(panel.experts)
    for step in steps:
        count = total if step == "all" else min(int(step), total)
        seats = {expert.id for expert in panel.experts[:count]}
        sent = {(reply.id, reply.sample) for reply in replies}
        new = [a for a in asks if a.expert.id in seats and (a.expert.id, a.sample) not in sent]
        replies += await panel.ask(new, share=1.0 if count == total else _SHARE)
        if count == total:
            break
        counted = substantive(replies)
        _, ballots = await read_ballots(panel, counted, extract)
        readable = [r for r, ballot in zip(counted, ballots, strict=True) if ballot.position]
        if panel.has_quorum(readable, asked=count) and _suffices(ballots, margin, confidence):
            return Gathered(replies, asked=count, saved=len(asks) - len(replies))
    return Gathered(replies)


def _suffices(ballots: Sequence[Ballot], margin: float, confidence: float | None) -> bool:
    heaviest = max(ballot.weight for ballot in ballots)
    likely = confidence is None or is_likely(ballots, heaviest, confidence)
    return likely and agrees(ballots, margin)


def _waves(asks: Sequence[Ask], size: int) -> Iterator[Sequence[Ask]]:
    for start in range(0, len(asks), size):
        yield asks[start : start + size]
