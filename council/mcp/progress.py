"""How far a run has come, for whoever waits for a tool: pure."""

from __future__ import annotations

from dataclasses import dataclass

from council.events import (
    AnswerDiscarded,
    Convergence,
    Event,
    ExpertCancelled,
    ExpertFailed,
    ExpertFinished,
    ExpertNotice,
    ExpertStarted,
    RoundStarted,
    RunFinished,
    RunStarted,
    StrategyRanked,
    StrategyStandIn,
    StrategyTallied,
)
from council.gateway.run_facts import taken
from council.quorum import why_missing
from council.replies import Reply, label_of

_LEAST = 0.001
"""The least step: the protocol wants each notification to be further than the one before."""

_DOES = {
    "review": "reviews the answers",
    "judge": "judges the answers",
    "synthesis": "writes the answer",
    "repair": "puts the answer into its form",
}


@dataclass(frozen=True, slots=True)
class Report:
    """One notification: so many steps of so many, and what happened."""

    value: float
    total: float
    message: str


class Progress:
    """Counts a run's steps: each reply is one, and the decision is the last.

    A strategy may ask more as it goes on, so the total may grow.
    """

    def __init__(self) -> None:
        self._seats = 0
        self._answered = 0
        self._ended = 0
        self._total = 1
        self._value = 0.0

    def take(self, event: Event) -> Report | None:
        """What an event has to tell; None where that is nothing."""
        message = self._message(event)
        if message is None:
            return None
        if isinstance(event, RunFinished):
            self._ended = self._total
        self._value = max(float(self._ended), round(self._value + _LEAST, 3))
        self._total = max(self._total, self._ended)
        return Report(self._value, float(self._total), message)

    def _message(self, event: Event) -> str | None:
        match event:
            case RunStarted():
                return self._start(event)
            case ExpertStarted():
                return self._ask(event)
            case ExpertFinished(reply=reply) | ExpertFailed(reply=reply):
                return self._end(reply)
            case ExpertCancelled(reply=reply):
                return self._end(reply)
            case ExpertNotice():
                return f"{label_of(event.expert, event.sample)}: {event.message}"
            case RunFinished(result=result):
                return result.status
            case _:
                return _said(event)

    def _start(self, event: RunStarted) -> str:
        self._seats = sum(seat.samples for seat in event.experts)
        self._total = self._seats + 1
        names = ", ".join(seat.id for seat in event.experts)
        return f"asking {names} ({event.strategy})"

    def _ask(self, event: ExpertStarted) -> str | None:
        if event.stage == "answer":
            return None
        self._total += 1
        does = _DOES.get(event.stage)
        return f"{label_of(event.expert, event.sample)} {does}" if does else None

    def _end(self, reply: Reply) -> str:
        self._ended += 1
        if reply.status == "cancelled":
            return f"{reply.label} is not needed any more"
        if reply.status == "failed":
            return f"failed: {why_missing(reply)}"
        if reply.stage != "answer":
            return f"{reply.label} is done ({reply.stage})"
        self._answered += 1
        return f"{reply.label} has answered ({self._answered} of {self._seats})"


def _said(event: Event) -> str | None:
    """What happened besides replies."""
    match event:
        case StrategyTallied(votes=votes):
            positions = "; ".join(map(taken, votes.positions))
            return f"the votes: {positions or 'no positions to compare'}"
        case StrategyRanked(ranking=ranking):
            places = ", ".join(f"{ranked.place}. {ranked.expert}" for ranked in ranking.answers)
            return f"the ranking: {places}"
        case RoundStarted(round=number) if number:
            return f"round {number} begins"
        case Convergence(round=number):
            return f"the answers agree after round {number}"
        case StrategyStandIn():
            return f"{event.stand_in} takes over from {event.failed}: {event.reason}"
        case AnswerDiscarded(reason=reason):
            return f"the answer is begun anew: {reason}"
        case _:
            return None
