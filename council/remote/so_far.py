"""What is known of a run that goes on elsewhere, from its events."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from council.events import (
    Event,
    ExpertCancelled,
    ExpertFailed,
    ExpertFinished,
    ExpertStarted,
    ExpertToken,
    RunStarted,
    StrategyRanked,
    StrategyTallied,
    ToolCalled,
    ToolReturned,
)
from council.messages import ToolUse, Usage, set_aside
from council.replies import Failure, Reply, Timings
from council.result import Ranking, Result, Votes

_Seat = tuple[str, int, str]
"""An expert's id, the sample and the stage."""

_INTERRUPTED = Failure("interrupted", "the run was interrupted")


@dataclass(slots=True)
class _Writing:
    """A reply that is being written."""

    model: str
    began: float
    first: float | None = None
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    tools: dict[str, ToolUse] = field(default_factory=dict)

    def reply(self, seat: _Seat, at: float) -> Reply:
        """As if it were cancelled now."""
        id, sample, stage = seat
        first = None if self.first is None else self.first - self.began
        return Reply(
            id=id,
            model=self.model,
            sample=sample,
            stage=stage,
            status="cancelled",
            text="".join(self.text),
            reasoning="".join(self.reasoning),
            finish_reason=None,
            error=None,
            usage=None,
            timings=Timings(first, at - self.began),
            tools=tuple(self.tools.values()),
        )


class SoFar:
    """Takes a run's events and knows what there is of its result."""

    def __init__(self, id: str) -> None:
        self._id = id
        self._at = 0.0
        self._started: RunStarted | None = None
        self._votes: Votes | None = None
        self._ranking: Ranking | None = None
        self._writing: dict[_Seat, _Writing] = {}
        self._replies: dict[_Seat, Reply | None] = {}

    def take(self, event: Event) -> None:
        """Takes note of an event."""
        self._at = event.at
        match event:
            case RunStarted():
                self._started = event
            case ExpertStarted():
                seat = (event.expert, event.sample, event.stage)
                self._writing[seat] = _Writing(event.model, event.at)
                self._replies[seat] = None
            case ExpertToken() | ToolCalled() | ToolReturned():
                self._write(event)
            case ExpertFinished(reply=reply) | ExpertFailed(reply=reply):
                self._settle(reply)
            case ExpertCancelled(reply=reply):
                self._settle(reply)
            case StrategyTallied(votes=votes):
                self._votes = votes
            case StrategyRanked(ranking=ranking):
                self._ranking = ranking
            case _:
                pass

    def result(self) -> Result:
        """The result of a run that is interrupted now."""
        replies = [
            reply or self._writing[seat].reply(seat, self._at)
            for seat, reply in self._replies.items()
        ]
        written = [reply for reply in replies if reply.stage == "synthesis"]
        decider = written[-1] if written else None
        started = self._started
        return Result(
            run_id=self._id,
            question=started.question if started else "",
            answer=None,
            status="failed",
            reasons=(),
            strategy=started.strategy if started else "",
            experts=tuple(self._in_order([r for r in replies if r.stage == "answer"])),
            decider=decider,
            votes=self._votes,
            agreement=None,
            dissent=(),
            usage=sum((reply.usage for reply in replies if reply.usage), Usage()),
            warnings=(),
            seconds=self._at,
            error=_INTERRUPTED,
            ranking=self._ranking,
            others=tuple(r for r in replies if r.stage != "answer" and r is not decider),
        )

    def _write(self, event: ExpertToken | ToolCalled | ToolReturned) -> None:
        writing = self._writing.get((event.expert, event.sample, event.stage))
        if writing is None:  # whoever attached later has not seen it begin
            return
        if isinstance(event, ExpertToken):
            if writing.first is None:
                writing.first = event.at
            writing.text.append(event.text)
            writing.reasoning.append(event.reasoning)
        elif isinstance(event, ToolCalled):
            # What was written before a call is no answer.
            aside = set_aside("".join(writing.reasoning), "".join(writing.text))
            writing.reasoning[:] = [aside]
            writing.text.clear()
            writing.tools[event.id] = ToolUse(event.id, event.name, event.arguments)
        elif event.id in writing.tools:
            use, told, took = writing.tools[event.id], event.result, event.seconds
            writing.tools[event.id] = replace(use, result=told, failed=event.failed, seconds=took)

    def _settle(self, reply: Reply) -> None:
        self._replies[reply.id, reply.sample, reply.stage] = reply

    def _in_order(self, replies: list[Reply]) -> list[Reply]:
        """Replies in the panel's order, as far as that is known."""
        seats = self._started.experts if self._started else ()
        places = {seat.id: place for place, seat in enumerate(seats)}
        return sorted(replies, key=lambda reply: (places.get(reply.id, 0), reply.sample))
