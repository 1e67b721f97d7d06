"""What the tools give of a run as data; their JSON schemas are what clients are shown."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from council.quorum import why_missing
from council.replies import Reply
from council.result import Agreement, Dissent, Flip, Position, Ranking, Result, Votes


class Answered(BaseModel):
    """What a panel answered; `cost` is in US dollars, null where a price is not known."""

    run_id: str
    panel: str
    status: Literal["complete", "degraded", "failed"]
    answer: str
    parsed: Any = None
    reasons: list[str]
    warnings: list[str]
    strategy: str
    agreement: Agreement | None
    votes: Votes | None
    dissent: list[Dissent]
    tokens: int
    cost: float | None
    seconds: float

    @classmethod
    def of(cls, result: Result, panel: str) -> Answered:
        """The short form of a result that has an answer."""
        return cls(
            run_id=result.run_id,
            panel=panel,
            status=result.status,
            answer=result.answer or "",
            parsed=result.to_dict()["parsed"],
            reasons=list(result.reasons),
            warnings=list(result.warnings),
            strategy=result.strategy,
            agreement=result.agreement,
            votes=result.votes,
            dissent=list(result.dissent),
            tokens=result.usage.total_tokens,
            cost=result.cost.at_least if result.cost.known else None,
            seconds=result.seconds,
        )


class Said(BaseModel):
    """How a reply ended; `error` is null unless it failed."""

    expert: str
    model: str
    stage: str
    status: Literal["complete", "failed", "cancelled"]
    text: str
    error: str | None

    @classmethod
    def of(cls, reply: Reply) -> Said:
        """The short form of a reply."""
        return cls(
            expert=reply.label,
            model=reply.model,
            stage=reply.stage,
            status=reply.status,
            text=reply.text,
            error=reply.error.message if reply.error else None,
        )


class RoundView(BaseModel):
    """One round of a debate."""

    number: int
    positions: list[Position]
    flips: list[Flip]
    converged: bool
    missing: list[str]


class Explained(BaseModel):
    """How a run came to its answer, or to none; `missing` has why experts do not count."""

    run_id: str
    panel: str
    question: str
    status: Literal["complete", "degraded", "failed"]
    answer: str | None
    error: str | None
    reasons: list[str]
    warnings: list[str]
    strategy: str
    decided_by: str | None
    agreement: Agreement | None
    votes: Votes | None
    dissent: list[Dissent]
    ranking: Ranking | None
    rounds: list[RoundView]
    missing: list[str]
    experts: list[Said]
    others: list[Said]

    @classmethod
    def of(cls, result: Result, panel: str) -> Explained:
        """The long form of a result."""
        decider = [result.decider] if result.decider else []
        return cls(
            run_id=result.run_id,
            panel=panel,
            question=result.question,
            status=result.status,
            answer=result.answer,
            error=result.error.message if result.error else None,
            reasons=list(result.reasons),
            warnings=list(result.warnings),
            strategy=result.strategy,
            decided_by=result.decided_by,
            agreement=result.agreement,
            votes=result.votes,
            dissent=list(result.dissent),
            ranking=result.ranking,
            rounds=[
                RoundView(
                    number=held.number,
                    positions=list(held.positions),
                    flips=list(held.flips),
                    converged=held.converged,
                    missing=_missing(held.replies),
                )
                for held in result.rounds
            ],
            missing=_missing(result.experts),
            experts=[Said.of(reply) for reply in result.experts],
            others=[Said.of(reply) for reply in (*result.others, *decider)],
        )


def _missing(replies: tuple[Reply, ...]) -> list[str]:
    return [why_missing(reply) for reply in replies if reply.status != "complete"]
