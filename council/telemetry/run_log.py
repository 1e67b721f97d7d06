"""A run as lines of a log: who was asked, who answered, who was tried again, and how it ended."""

from __future__ import annotations

import logging

from council.events import (
    AnswerDiscarded,
    Convergence,
    Event,
    ExpertCancelled,
    ExpertFailed,
    ExpertFinished,
    ExpertNotice,
    ExpertStarted,
    RoundFinished,
    RunFinished,
    RunStarted,
    StrategyStandIn,
    ToolCalled,
    ToolReturned,
)
from council.logs import Value, log
from council.replies import Reply
from council.result import Result
from council.telemetry.errors import error_type
from council.telemetry.subject import Subject

LOGGER = logging.getLogger("council.run")


class RunLog:
    """Takes a run's events and logs them: what is rare at INFO, each call's start at DEBUG.

    Args:
        subject: What is known of the run.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._run: str | None = None

    def take(self, event: Event) -> None:
        """Takes one event."""
        match event:
            case RunStarted():
                self._run = event.run_id[:8]
                seats = len(event.experts)
                known = {"panel": self._subject.name, "strategy": event.strategy}
                self._info("run.started", **known, experts=seats, seed=event.seed)
            case ExpertStarted():
                where = self._subject.served(event.expert)
                asked: dict[str, Value] = {"model": event.model, "address": where.address}
                self._debug("expert.started", **_whose(event), stage=event.stage, **asked)
            case ExpertNotice():
                said = {"kind": event.kind, "message": event.message}
                self._info("expert.notice", **_whose(event), stage=event.stage, **said)
            case ToolCalled():
                self._debug("tool.called", **_whose(event), tool=event.name)
            case ToolReturned():
                took = event.seconds
                told = {**_whose(event), "tool": event.name, "failed": event.failed}
                self._debug("tool.returned", **told, seconds=took)
            case ExpertFinished() | ExpertFailed() | ExpertCancelled():
                self._info(event.type, **_whose(event), **_reply(event.reply))
            case RunFinished():
                self._info("run.finished", **_result(event.result))
                self._run = None
            case _:
                self._note(event)

    def close(self) -> None:
        """The run is over; one that has not finished was cancelled."""
        if self._run is not None:
            self._info("run.cancelled")
            self._run = None

    def _note(self, event: Event) -> None:
        match event:
            case RoundFinished():
                flips, likeness = len(event.flips), event.similarity
                self._info("round.finished", round=event.round, flips=flips, similarity=likeness)
            case Convergence():
                self._info("convergence", round=event.round, by=event.by)
            case StrategyStandIn():
                self._info("strategy.stand_in", failed=event.failed, stand_in=event.stand_in)
            case AnswerDiscarded():
                self._info("answer.discarded")

    def _info(self, event: str, **fields: Value) -> None:
        log(LOGGER, logging.INFO, event, run=self._run, **fields)

    def _debug(self, event: str, **fields: Value) -> None:
        log(LOGGER, logging.DEBUG, event, run=self._run, **fields)


def _whose(
    event: ExpertStarted
    | ExpertNotice
    | ToolCalled
    | ToolReturned
    | ExpertFinished
    | ExpertFailed
    | ExpertCancelled,
) -> dict[str, Value]:
    return {"expert": event.expert, "sample": event.sample or None}


def _reply(reply: Reply) -> dict[str, Value]:
    usage = reply.usage
    return {
        "stage": reply.stage,
        "seconds": reply.timings.total,
        "first_token": reply.timings.first_token,
        "tokens_in": usage.prompt_tokens if usage else None,
        "tokens_out": usage.completion_tokens if usage else None,
        "finish_reason": reply.finish_reason,
        "error": error_type(reply.error) if reply.error else None,
        "message": reply.error.message if reply.error else None,
    }


def _result(result: Result) -> dict[str, Value]:
    return {
        "status": result.status,
        "seconds": result.seconds,
        "agreement": result.agreement.share if result.agreement else None,
        "tokens": result.usage.total_tokens,
        "cost": result.cost.amount,
        "reasons": len(result.reasons) or None,
        "error": error_type(result.error) if result.error else None,
        "message": result.error.message if result.error else None,
    }
