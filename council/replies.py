"""What became of asking one expert: a value, whether it went well or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from council.errors import CouncilError
from council.messages import FinishReason, TokenLogprob, ToolCall, ToolUse, Usage

ReplyStatus = Literal["complete", "failed", "cancelled"]
"""`cancelled`: the strategy or the caller needed no more of it; nothing went wrong."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as data: the class of error, and words for a person."""

    kind: str
    message: str

    @classmethod
    def of(cls, error: CouncilError) -> Failure:
        """The data of an exception."""
        return cls(error.kind, str(error))


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds since the expert was asked; `first_token` is None where none came."""

    first_token: float | None
    total: float


@dataclass(frozen=True, slots=True)
class Reply:
    """One expert's outcome in one stage of a run.

    Attributes:
        id: The expert's id.
        model: The model that was asked.
        sample: Which of the expert's samples this is, from 0.
        stage: What it was asked for: `answer`, `review`, `judge`, `round-1` (and so on),
            `synthesis` or `repair`.
        status: How it ended.
        text: What it wrote, whole if `status` is `complete`, else what had arrived.
        reasoning: Its thinking, where the server sends it.
        finish_reason: Why the reply ended, None if it did not end by itself.
        error: Set exactly when `status` is `failed`.
        usage: As the server counted; estimated from the texts' lengths where it did not.
        tool_calls: Functions it wants called, which nobody has.
        refusal: What it said instead of answering, where the server marks a refusal.
        logprobs: Log probabilities of the text's tokens, where they were asked for.
        timings: When it answered.
        tools: The tools that council ran for it, in the order called. What it wrote before a call
            stands in `reasoning`, and `usage` is the sum over all requests.
    """

    id: str
    model: str
    sample: int
    stage: str
    status: ReplyStatus
    text: str
    reasoning: str
    finish_reason: FinishReason | None
    error: Failure | None
    usage: Usage | None
    timings: Timings
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()
    tools: tuple[ToolUse, ...] = ()

    @property
    def label(self) -> str:
        """The expert's id, with the sample's number from the second one on."""
        return label_of(self.id, self.sample)


def label_of(id: str, sample: int) -> str:
    """What an expert's sample is called: `ada`, `ada#2`, `ada#3`."""
    return id if sample == 0 else f"{id}#{sample + 1}"


def reply_name(id: str, sample: int, stage: str) -> str:
    """What one reply is called: `ada#2`, and `ada#2 (judge)` where it is no answer."""
    label = label_of(id, sample)
    return label if stage == "answer" else f"{label} ({stage})"
