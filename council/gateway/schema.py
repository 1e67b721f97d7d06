"""What the gateway's own routes take and answer, as JSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from council.agents.local_server import ServerState
from council.store.records import RunState

_MOST_SEED = 1 << 63


class Wanted(BaseModel):
    """The body of a request; fields that nobody knows are ignored, wrong types are not."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class Message(Wanted):
    """One message of a conversation; parts are as in OpenAI's chat API."""

    role: Literal["system", "user", "assistant"]
    content: str | list[dict[str, Any]]


class RunRequest(Wanted):
    """What `POST /v1/council/runs` takes: a question, or messages that end with one.

    `panel` may be left out where there is one only. `deadline` is in seconds, `max_cost` in US
    dollars; `continue` is the id of a run whose conversation the question goes on with. An unknown
    field is refused: a typo must not take a limit away.
    """

    model_config = ConfigDict(extra="forbid")

    panel: str | None = None
    question: str | None = None
    messages: Annotated[list[Message], Field(min_length=1)] | None = None
    strategy: str | dict[str, Any] | None = None
    seed: int = Field(0, ge=0, lt=_MOST_SEED)
    deadline: float | None = Field(None, gt=0)
    max_total_tokens: int | None = Field(None, ge=1)
    max_cost: float | None = Field(None, gt=0)
    response_format: dict[str, Any] | None = None
    after: str | None = Field(None, alias="continue")
    stream: bool = False


class RunStarted(BaseModel):
    """A run that has begun, or waits for its turn."""

    id: str
    panel: str
    status: RunState
    created: float
    events: str


class RunView(BaseModel):
    """One run; `result` is null while it goes on, else as `council run --json` prints it."""

    id: str
    panel: str
    status: RunState
    created: float
    question: str
    strategy: str
    events: int
    result: dict[str, Any] | None


class RunEntry(BaseModel):
    """One run of a list; of its answer the beginning."""

    id: str
    panel: str
    question: str
    status: RunState
    created: float
    strategy: str
    answer: str | None


class RunList(BaseModel):
    """Runs, the newest first; `more` says whether there are older ones."""

    runs: list[RunEntry]
    more: bool


class Deleted(BaseModel):
    """A run that is gone."""

    id: str
    deleted: Literal[True] = True


class SeatView(BaseModel):
    """One seat of a panel."""

    id: str
    model: str
    family: str
    samples: int


class PanelView(BaseModel):
    """One panel; `form` says whether its answers are JSON that fits a schema."""

    name: str
    description: str
    strategy: str
    experts: list[SeatView]
    form: bool


class PanelList(BaseModel):
    """The panels, and the strategies that any of them may be asked with."""

    panels: list[PanelView]
    strategies: list[str]


class ModelCard(BaseModel):
    """A panel as OpenAI's API lists a model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "council"
    description: str


class ModelList(BaseModel):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class PanelHealth(BaseModel):
    """One panel; `local` is the state of the bundled backend, null where the panel needs none."""

    name: str
    local: ServerState | None


class Health(BaseModel):
    """How the gateway stands; `keeping` says whether runs are recorded."""

    status: Literal["ready", "draining"]
    panels: list[PanelHealth]
    active: int
    waiting: int
    keeping: bool


class Failure(BaseModel):
    """What went wrong: for people, by class, by field and for programs."""

    message: str
    type: str
    param: str | None
    code: str | None


class FailureBody(BaseModel):
    """The body of every response that is no success."""

    error: Failure
