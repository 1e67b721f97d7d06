"""Events and replies as attributes of spans."""

from __future__ import annotations

from typing import Any

from council.events import RunStarted
from council.messages import Usage
from council.replies import Reply
from council.result import Result
from council.telemetry import names
from council.telemetry.errors import error_type
from council.telemetry.sampling import knobs
from council.telemetry.subject import Subject


def of_run(event: RunStarted, subject: Subject) -> dict[str, Any]:
    """What is known of a run when it begins."""
    known: dict[str, Any] = {
        names.OPERATION: "invoke_agent",
        names.PROVIDER: "council",
        names.AGENT_NAME: subject.name,
        names.OUTPUT_TYPE: "json" if subject.in_form else "text",
        names.RUN: event.run_id,
        names.STRATEGY: event.strategy,
        names.EXPERTS: len(event.experts),
        names.SEED: event.seed,
    }
    if subject.place is not None:
        known[names.CONVERSATION] = subject.place.conversation
        known[names.TURN] = subject.place.turn
    return known


def of_call(subject: Subject, expert: str, sample: int, stage: str, model: str) -> dict[str, Any]:
    """What is known of a call when it begins."""
    seat = subject.seat(expert)
    known: dict[str, Any] = {
        names.OPERATION: "chat",
        **subject.served(expert).attributes(),
        names.REQUEST_STREAM: True,
        names.EXPERT: expert,
        names.SAMPLE: sample,
        names.STAGE: stage,
        **(knobs(seat.sampling.for_sample(sample)) if seat else {}),
    }
    if model:
        known[names.REQUEST_MODEL] = model
    if subject.place is not None:
        known[names.CONVERSATION] = subject.place.conversation
    return known


def of_reply(reply: Reply) -> dict[str, Any]:
    """What came of a call."""
    known: dict[str, Any] = {
        names.STATUS: reply.status,
        names.FINISH_REASONS: (finish_reason(reply),),
        **of_usage(reply.usage),
    }
    if reply.timings.first_token is not None:
        known[names.FIRST_CHUNK] = reply.timings.first_token
    if reply.error is not None:
        known[names.ERROR] = error_type(reply.error)
    return known


def of_result(result: Result) -> dict[str, Any]:
    """What a run came to."""
    agreement = result.agreement.share if result.agreement else None
    known: dict[str, Any] = {
        names.STATUS: result.status,
        names.DECIDED_BY: result.decided_by,
        names.AGREEMENT: agreement,
        names.COST: result.cost.amount,
        names.LIMITS: result.limits_hit or None,
        names.SAVED: result.saved or None,
        **of_usage(result.usage),
    }
    return {name: value for name, value in known.items() if value is not None}


def of_usage(usage: Usage | None) -> dict[str, Any]:
    """Tokens that were used; those of caches and reasoning where there are any."""
    if usage is None:
        return {}
    known: dict[str, Any] = {
        names.INPUT_TOKENS: usage.prompt_tokens,
        names.OUTPUT_TOKENS: usage.completion_tokens,
    }
    if usage.cached_tokens:
        known[names.CACHED_TOKENS] = usage.cached_tokens
    if usage.reasoning_tokens:
        known[names.REASONING_TOKENS] = usage.reasoning_tokens
    if usage.estimated:
        known[names.ESTIMATED] = True
    return known


def finish_reason(reply: Reply) -> str:
    """Why a reply ended; `error` where it has not said so."""
    return reply.finish_reason or "error"
