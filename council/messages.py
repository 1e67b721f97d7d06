"""What goes to an agent and what comes back: requests, messages, tokens, usage."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Role = Literal["system", "user", "assistant"]

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "other"]
"""Why a reply ended: by itself, at a token limit, to call tools, filtered, or anything else."""

NoticeKind = Literal["loading", "retry", "fallback"]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """The knobs of generation; None leaves a knob out of the request, to the server's default."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = None

    def for_sample(self, index: int) -> Sampling:
        """The knobs for the `index`-th sample: a fixed seed moves on, or all would be alike."""
        return self if self.seed is None else replace(self, seed=self.seed + index)


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call of an agent.

    Attributes:
        model: The model's name as the server knows it; empty for the agent's own.
        messages: The conversation, oldest first.
        sampling: The knobs.
        request_id: Sent along as `X-Request-Id`, so that both sides' logs can be matched.
    """

    model: str
    messages: tuple[ChatMessage, ...]
    sampling: Sampling = field(default_factory=Sampling)
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens counted by the server."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
        )


@dataclass(frozen=True, slots=True)
class Notice:
    """Something an agent did that a watcher should know of and that is no part of the reply."""

    kind: NoticeKind
    message: str


@dataclass(frozen=True, slots=True)
class ChatToken:
    """One increment of a reply: any of its parts may be empty.

    Attributes:
        text: More of the answer.
        reasoning: More of the model's thinking, kept apart from the answer.
        finish_reason: Set once, on the token that ends the reply.
        usage: Tokens counted so far; the last one reported holds.
        notice: Set when the agent reports on itself (loading a model, trying again).
    """

    text: str = ""
    reasoning: str = ""
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    notice: Notice | None = None
