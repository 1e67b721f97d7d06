"""The last event of a run that has none: what its other events tell, and that it was cut off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from council.events import (
    Event,
    ExpertCancelled,
    ExpertFailed,
    ExpertFinished,
    ExpertStarted,
    ExpertToken,
    RunFinished,
    RunStarted,
    StrategyTallied,
)
from council.messages import Usage
from council.replies import Failure, Reply, Timings
from council.result import Result

Seat = tuple[str, int, str]
"""Who replies: the expert, its sample, and the stage."""

INTERRUPTED = Failure("interrupted", "the run was interrupted")


def last_event(
    run_id: str,
    events: Iterable[Event] = (),
    *,
    question: str = "",
    strategy: str = "",
    error: Failure = INTERRUPTED,
) -> RunFinished:
    """The event.

    Args:
        run_id: The run's id.
        events: What happened; nothing in a run that never began.
        question: What was asked, where no event says so.
        strategy: The strategy's name, where no event says so.
        error: Why there is no answer.
    """
    result = _result(run_id, question, strategy, error)
    replies: dict[Seat, Reply] = {}
    at = 0.0
    for event in events:
        at = event.at
        match event:
            case RunStarted():
                result = replace(result, question=event.question, strategy=event.strategy)
            case ExpertStarted():
                replies[_seat(event)] = _begun(event)
            case ExpertToken() if _seat(event) in replies:
                replies[_seat(event)] = _longer(replies[_seat(event)], event)
            case ExpertFinished() | ExpertFailed() | ExpertCancelled():
                reply = event.reply
                replies[reply.id, reply.sample, reply.stage] = reply
            case StrategyTallied():
                result = replace(result, votes=event.votes)
    return RunFinished(at, _with_replies(replace(result, seconds=at), [*replies.values()]))


def _seat(event: ExpertStarted | ExpertToken) -> Seat:
    return event.expert, event.sample, event.stage


def _begun(event: ExpertStarted) -> Reply:
    """A reply that was cut off with the run."""
    return Reply(
        id=event.expert,
        model=event.model,
        sample=event.sample,
        stage=event.stage,
        status="cancelled",
        text="",
        reasoning="",
        finish_reason=None,
        error=None,
        usage=None,
        timings=Timings(None, 0.0),
    )


def _longer(reply: Reply, event: ExpertToken) -> Reply:
    return replace(reply, text=reply.text + event.text, reasoning=reply.reasoning + event.reasoning)


def _with_replies(result: Result, replies: Sequence[Reply]) -> Result:
    return replace(
        result,
        experts=tuple(reply for reply in replies if reply.stage == "answer"),
        others=tuple(reply for reply in replies if reply.stage != "answer"),
        usage=sum((reply.usage for reply in replies if reply.usage), Usage()),
    )


def _result(run_id: str, question: str, strategy: str, error: Failure) -> Result:
    return Result(
        run_id=run_id,
        question=question,
        answer=None,
        status="failed",
        reasons=(),
        strategy=strategy,
        experts=(),
        decider=None,
        votes=None,
        agreement=None,
        dissent=(),
        usage=Usage(),
        warnings=(),
        seconds=0.0,
        error=error,
    )
