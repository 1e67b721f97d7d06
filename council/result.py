"""The outcome of a run: the same object for Python, `--json`, and whatever is built on top."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import TypeAdapter

from council.messages import Usage
from council.prices import Cost
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

    @property
    def who(self) -> str:
        """Whose it was, for people."""
        return ", ".join(self.experts) or "the minority"


@dataclass(frozen=True, slots=True)
class Ranked:
    """One answer's place in a ranking.

    Attributes:
        expert: The label of whoever gave the answer.
        place: From 1; equal answers share a place.
        score: The part of the other answers that it beats, 0 to 1, as the mean of the ballots; a
            tie counts half. None where nobody ranked it.
        ballots: How many ballots ranked it.
    """

    expert: str
    place: int
    score: float | None
    ballots: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """Answers ranked by the experts, or by a judge.

    Attributes:
        answers: Best first.
        ballots: How many ballots were counted; a judge's is one.
        tie: True when the first two are equal and the panel's order decided.
        abstained: Ids of the reviewers whose ballot was missing or could not be read.
    """

    answers: tuple[Ranked, ...]
    ballots: int
    tie: bool
    abstained: tuple[str, ...] = ()


FlipDirection = Literal["towards", "away", "aside"]
_WAYS: dict[FlipDirection, str] = {
    "towards": "to the first majority",
    "away": "away from the first majority",
    "aside": "no majority before or after",
}
"""To the position that led in round 0, away from it, or between two others."""


@dataclass(frozen=True, slots=True)
class Flip:
    """An expert that has left the position it had in round 0.

    Attributes:
        expert: The label.
        before: The position in round 0.
        after: The position now.
        direction: Where that is, seen from round 0's leading position; `aside` where two led.
    """

    expert: str
    before: str
    after: str
    direction: FlipDirection

    @property
    def way(self) -> str:
        """The direction, for people."""
        return _WAYS[self.direction]


@dataclass(frozen=True, slots=True)
class Round:
    """One round of a debate; round 0 are the answers given independently.

    Attributes:
        number: From 0.
        replies: One outcome for each expert and sample, failures included.
        positions: What the answers that stand after the round come to, heaviest first; empty where
            they cannot be compared.
        converged: Whether the debate may end here.
        similarity: The cosine of the two answers furthest apart, None where nothing embeds texts.
        flips: Who stands elsewhere than in round 0.
    """

    number: int
    replies: tuple[Reply, ...]
    positions: tuple[Position, ...]
    converged: bool
    similarity: float | None = None
    flips: tuple[Flip, ...] = ()


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
        decider: The reply of whoever wrote the answer from the others', or chose among them and
            says why.
        votes: The tally, where the strategy counted one.
        agreement: How far the answers agree, None where nothing could be compared.
        dissent: Positions that lost.
        usage: The sum over all replies that reported usage.
        warnings: What the reader should know besides.
        seconds: How long the run took.
        error: Set exactly when `status` is `failed`.
        decided_by: The strategy that decided, where `strategy` chose between several.
        ranking: The answers ranked, where the strategy ranked them.
        rounds: The rounds of a debate, from round 0.
        others: Every reply that is in none of the other fields, in the order asked: reviews,
            judgements, writers that failed, the rounds of a debate that came to no decision.
        saved: How many requests were never sent because the answers so far decided.
        cost: What the replies cost in US dollars, as far as that is known.
        limits_hit: Which limits of the run cut in: `tokens`, `cost`; `reasons` says so, too.
        parsed: The answer as the value that the run's schema asked for: an instance of the
            pydantic model where one was given, else plain JSON values. None without a schema.
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
    decided_by: str | None = None
    ranking: Ranking | None = None
    rounds: tuple[Round, ...] = ()
    others: tuple[Reply, ...] = ()
    saved: int = 0
    cost: Cost = field(default_factory=Cost)
    limits_hit: tuple[str, ...] = ()
    parsed: Any = None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain JSON-ready values."""
        data: dict[str, Any] = _ADAPTER.dump_python(self, mode="json")
        return data

    def to_json(self, indent: int | None = None) -> str:
        """The result as one JSON object."""
        return _ADAPTER.dump_json(self, indent=indent).decode()


_ADAPTER = TypeAdapter(Result)
