"""The outcome of a run: the same object for Python, `--json`, and whatever is built on top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

from council.messages import Usage
from council.replies import Failure, Reply

Status = Literal["complete", "degraded", "failed"]


@dataclass(frozen=True, slots=True)
class Position:
    """One of the positions that answers took, with those who took it.

    Attributes:
        value: The position as it was read and normalised (`42`, `b`, `yes`, …).
        weight: The summed weight of its supporters.
        experts: Labels of the supporters, in the panel's order.
    """

    value: str
    weight: float
    experts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Votes:
    """A tally.

    Attributes:
        extract: How positions were read from the answers (`number`, `choice`, `text`).
        winner: The winning position's value.
        positions: All positions, heaviest first.
        abstained: Labels of those whose answer held no position.
        margin: Share of the weight between the first and the second position, 0 to 1.
        tie: True when the first two weigh the same and the panel's order decided.
    """

    extract: str
    winner: str
    positions: tuple[Position, ...]
    abstained: tuple[str, ...]
    margin: float
    tie: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the answers agree: a fact about the panel, not the chance that it is right.

    Attributes:
        agree: How many answers take the winning position.
        of: How many answers take any position.
        share: The winning position's share of the weight, 0 to 1.
        families: How many model families stand behind the winning position.
    """

    agree: int
    of: int
    share: float
    families: int


@dataclass(frozen=True, slots=True)
class Dissent:
    """A position that lost: what it was, whose, and one answer that argues for it."""

    position: str
    experts: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to.

    Attributes:
        run_id: The run's id.
        question: What was asked.
        answer: The panel's answer, None when `status` is `failed`.
        status: `complete` when everyone asked answered; `degraded` when there is an answer but
            somebody is missing, a stand-in decided or a limit cut in; else `failed`.
        reasons: Why the status is not `complete`, a sentence each.
        strategy: The name of the strategy.
        experts: One reply for each expert and sample, in the panel's order.
        decider: The reply of whoever wrote the answer from the others', where one did.
        votes: The tally, where the strategy counted one.
        agreement: How far the answers agree, None where nothing could be compared.
        dissent: Positions that lost.
        usage: The sum over all replies that reported usage.
        warnings: What the reader should know besides.
        seconds: How long the run took.
        error: Set exactly when `status` is `failed`.
    """

    run_id: str
    question: str
    answer: str | None
    status: Status
    reasons: tuple[str, ...]
    strategy: str
    experts: tuple[Reply, ...]
    decider: Reply | None
    votes: Votes | None
    agreement: Agreement | None
    dissent: tuple[Dissent, ...]
    usage: Usage
    warnings: tuple[str, ...]
    seconds: float
    error: Failure | None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain JSON-ready values."""
        data: dict[str, Any] = _ADAPTER.dump_python(self, mode="json")
        return data

    def to_json(self, indent: int | None = None) -> str:
        """The result as one JSON object."""
        return _ADAPTER.dump_json(self, indent=indent).decode()


_ADAPTER = TypeAdapter(Result)
