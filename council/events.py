"""What happens in a run, in order: frozen facts, told apart by `type`.

`at` is in seconds since the run started. `expert` and `sample` name who it is about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter
from pydantic_core import SchemaSerializer

from council.messages import NoticeKind
from council.replies import Reply
from council.result import Flip, Position, Ranking, Result, Votes


@dataclass(frozen=True, slots=True)
class ExpertInfo:
    """One seat of the panel, as announced when a run starts.

    Attributes:
        id: The expert's id.
        model: Its model.
        samples: How many answers it gives.
        weight: The weight of its vote.
        family: Its model's family.
    """

    id: str
    model: str
    samples: int
    weight: float
    family: str


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The first event of a run.

    Attributes:
        run_id: The run's id.
        question: What is asked.
        strategy: The name of the strategy.
        experts: The seats of the panel, in its order.
        seed: What the strategy's lots are drawn from.
    """

    at: float
    run_id: str
    question: str
    strategy: str
    experts: tuple[ExpertInfo, ...]
    seed: int
    type: Literal["run.started"] = "run.started"


@dataclass(frozen=True, slots=True)
class ExpertStarted:
    """An expert's turn came and its request is on the way.

    Attributes:
        model: The model that is asked.
    """

    at: float
    expert: str
    sample: int
    model: str
    stage: str
    type: Literal["expert.started"] = "expert.started"


@dataclass(frozen=True, slots=True)
class ExpertNotice:
    """An expert's agent reports on itself: a model is loading, a fallback took over.

    Attributes:
        kind: What happened: a model is being loaded, a request is sent again, another endpoint or
            agent takes over, a second request goes out, or the reply comes from the record.
        message: The same in words for a person.
    """

    at: float
    expert: str
    sample: int
    stage: str
    kind: NoticeKind
    message: str
    type: Literal["expert.notice"] = "expert.notice"


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """An expert's reply so far was no answer but asks for a tool, which begins to run.

    Attributes:
        id: The call's id, unique within the expert's reply.
        name: The tool.
        arguments: JSON as the model wrote it, shortened and without secrets.
    """

    at: float
    expert: str
    sample: int
    stage: str
    id: str
    name: str
    arguments: str
    type: Literal["tool.called"] = "tool.called"


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """An expert is told what its tool gave. Tools that were called together are told together.

    Attributes:
        id: The call's id, as in `tool.called`.
        name: The tool.
        result: What it gave, or with `failed` why there is nothing; shortened, without secrets.
        failed: Whether the tool raised, is not known or refused its arguments.
        seconds: How long it ran.
    """

    at: float
    expert: str
    sample: int
    stage: str
    id: str
    name: str
    result: str
    failed: bool
    seconds: float
    type: Literal["tool.returned"] = "tool.returned"


@dataclass(frozen=True, slots=True)
class ExpertToken:
    """More of an expert's reply.

    Attributes:
        text: More of its answer.
        reasoning: More of its thinking.
    """

    at: float
    expert: str
    sample: int
    stage: str
    text: str
    reasoning: str
    type: Literal["expert.token"] = "expert.token"


@dataclass(frozen=True, slots=True)
class ExpertFinished:
    """An expert's reply is whole.

    Attributes:
        reply: All of it.
    """

    at: float
    expert: str
    sample: int
    reply: Reply
    type: Literal["expert.finished"] = "expert.finished"


@dataclass(frozen=True, slots=True)
class ExpertFailed:
    """An expert's reply failed.

    Attributes:
        reply: What there is of it; `reply.error` says why it failed.
    """

    at: float
    expert: str
    sample: int
    reply: Reply
    type: Literal["expert.failed"] = "expert.failed"


@dataclass(frozen=True, slots=True)
class ExpertCancelled:
    """An expert was stopped because the strategy needed no more of it.

    Attributes:
        reply: What there was of it.
    """

    at: float
    expert: str
    sample: int
    reply: Reply
    type: Literal["expert.cancelled"] = "expert.cancelled"


@dataclass(frozen=True, slots=True)
class StrategyTallied:
    """The votes are counted.

    Attributes:
        votes: The tally.
    """

    at: float
    votes: Votes
    type: Literal["strategy.tallied"] = "strategy.tallied"


@dataclass(frozen=True, slots=True)
class StrategyRanked:
    """The answers are ranked.

    Attributes:
        ranking: The answers, best first.
    """

    at: float
    ranking: Ranking
    type: Literal["strategy.ranked"] = "strategy.ranked"


@dataclass(frozen=True, slots=True)
class RoundStarted:
    """A round of a debate begins; round 0 are the answers given independently.

    Attributes:
        round: Its number.
    """

    at: float
    round: int
    type: Literal["round.started"] = "round.started"


@dataclass(frozen=True, slots=True)
class RoundFinished:
    """A round of a debate is over.

    Attributes:
        round: Its number.
        positions: What the answers that stand now come to, heaviest first.
        flips: Who stands elsewhere than in round 0.
        similarity: The cosine of the two answers furthest apart; None where nothing embeds texts.
    """

    at: float
    round: int
    positions: tuple[Position, ...]
    flips: tuple[Flip, ...]
    similarity: float | None
    type: Literal["round.finished"] = "round.finished"


@dataclass(frozen=True, slots=True)
class Convergence:
    """The answers agree after a round.

    Attributes:
        round: Its number.
        by: Whether their positions say so, or their likeness.
        similarity: As in `round.finished`.
    """

    at: float
    round: int
    by: Literal["positions", "semantic"]
    similarity: float | None
    type: Literal["convergence"] = "convergence"


@dataclass(frozen=True, slots=True)
class StrategyStandIn:
    """Whoever was to write or choose the answer failed, and somebody takes over.

    Attributes:
        failed: The id of who failed.
        stand_in: The id of who takes over.
        reason: Why, in words for a person.
    """

    at: float
    failed: str
    stand_in: str
    reason: str
    type: Literal["strategy.stand_in"] = "strategy.stand_in"


@dataclass(frozen=True, slots=True)
class AnswerToken:
    """More of the panel's answer.

    Attributes:
        text: The text.
    """

    at: float
    text: str
    type: Literal["answer.token"] = "answer.token"


@dataclass(frozen=True, slots=True)
class AnswerDiscarded:
    """The answer's text so far is void: its writer failed, and it begins anew.

    Attributes:
        reason: Why, in words for a person.
    """

    at: float
    reason: str
    type: Literal["answer.discarded"] = "answer.discarded"


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The last event of a run.

    Attributes:
        result: What the run came to.
    """

    at: float
    result: Result
    type: Literal["run.finished"] = "run.finished"


Event = (
    RunStarted
    | ExpertStarted
    | ExpertNotice
    | ToolCalled
    | ToolReturned
    | ExpertToken
    | ExpertFinished
    | ExpertFailed
    | ExpertCancelled
    | StrategyTallied
    | StrategyRanked
    | RoundStarted
    | RoundFinished
    | Convergence
    | StrategyStandIn
    | AnswerToken
    | AnswerDiscarded
    | RunFinished
)

Emit = Callable[[Event], None]
"""Takes an event to whoever watches the run."""

_ADAPTER: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])
_OF_TOKENS: dict[type, SchemaSerializer] = {
    kind: TypeAdapter(kind).serializer for kind in (ExpertToken, AnswerToken)
}


def to_json(event: Event) -> str:
    """One event as one line of JSON."""
    # Looking through the union for an event's class costs more than writing a token does.
    serializer = _OF_TOKENS.get(type(event), _ADAPTER.serializer)
    return serializer.to_json(event).decode()


def from_json(line: str | bytes) -> Event:
    """The event that a line of JSON holds; raises pydantic's ValidationError on anything else."""
    return _ADAPTER.validate_json(line)
