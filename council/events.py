"""What happens in a run, in order: frozen facts, told apart by `type`.

`at` is in seconds since the run started. `expert` and `sample` name who it is about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from council.messages import NoticeKind
from council.replies import Reply
from council.result import Result, Votes


@dataclass(frozen=True, slots=True)
class ExpertInfo:
    """One seat of the panel, as announced when a run starts."""

    id: str
    model: str
    samples: int
    weight: float
    family: str


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The first event of a run."""

    at: float
    run_id: str
    question: str
    strategy: str
    experts: tuple[ExpertInfo, ...]
    type: Literal["run.started"] = "run.started"


@dataclass(frozen=True, slots=True)
class ExpertStarted:
    """An expert's turn came and its request is on the way."""

    at: float
    expert: str
    sample: int
    model: str
    stage: str
    type: Literal["expert.started"] = "expert.started"


@dataclass(frozen=True, slots=True)
class ExpertNotice:
    """An expert's agent reports on itself: a model is loading, a fallback took over."""

    at: float
    expert: str
    sample: int
    stage: str
    kind: NoticeKind
    message: str
    type: Literal["expert.notice"] = "expert.notice"


@dataclass(frozen=True, slots=True)
class ExpertToken:
    """More of an expert's reply."""

    at: float
    expert: str
    sample: int
    stage: str
    text: str
    reasoning: str
    type: Literal["expert.token"] = "expert.token"


@dataclass(frozen=True, slots=True)
class ExpertFinished:
    """An expert's reply is whole."""

    at: float
    expert: str
    sample: int
    reply: Reply
    type: Literal["expert.finished"] = "expert.finished"


@dataclass(frozen=True, slots=True)
class ExpertFailed:
    """An expert's reply failed; `reply.error` says why."""

    at: float
    expert: str
    sample: int
    reply: Reply
    type: Literal["expert.failed"] = "expert.failed"


@dataclass(frozen=True, slots=True)
class ExpertCancelled:
    """An expert was stopped because the strategy needed no more of it."""

    at: float
    expert: str
    sample: int
    reply: Reply
    type: Literal["expert.cancelled"] = "expert.cancelled"


@dataclass(frozen=True, slots=True)
class StrategyTallied:
    """The votes are counted."""

    at: float
    votes: Votes
    type: Literal["strategy.tallied"] = "strategy.tallied"


@dataclass(frozen=True, slots=True)
class StrategyStandIn:
    """Whoever was to write the answer failed, and `stand_in` takes over."""

    at: float
    failed: str
    stand_in: str
    reason: str
    type: Literal["strategy.stand_in"] = "strategy.stand_in"


@dataclass(frozen=True, slots=True)
class AnswerToken:
    """More of the panel's answer."""

    at: float
    text: str
    type: Literal["answer.token"] = "answer.token"


@dataclass(frozen=True, slots=True)
class AnswerDiscarded:
    """The answer's text so far is void: its writer failed, and it begins anew."""

    at: float
    reason: str
    type: Literal["answer.discarded"] = "answer.discarded"


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The last event of a run."""

    at: float
    result: Result
    type: Literal["run.finished"] = "run.finished"


Event = (
    RunStarted
    | ExpertStarted
    | ExpertNotice
    | ExpertToken
    | ExpertFinished
    | ExpertFailed
    | ExpertCancelled
    | StrategyTallied
    | StrategyStandIn
    | AnswerToken
    | AnswerDiscarded
    | RunFinished
)

Emit = Callable[[Event], None]
"""Takes an event to whoever watches the run."""

_ADAPTER: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])


def to_json(event: Event) -> str:
    """One event as one line of JSON."""
    return _ADAPTER.dump_json(event).decode()


def from_json(line: str | bytes) -> Event:
    """The event that a line of JSON holds; raises pydantic's ValidationError on anything else."""
    return _ADAPTER.validate_json(line)
