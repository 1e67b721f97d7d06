"""What goes to an agent and what comes back: requests, messages, tokens, usage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

Role = Literal["system", "developer", "user", "assistant", "tool"]

Json = Mapping[str, Any]
"""A JSON object that council passes on as it is."""

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "other"]
"""Why a reply ended: by itself, at a token limit, to call tools, filtered, or anything else."""

CHARACTERS_PER_TOKEN = 4
"""What a token of English comes to on average; in other languages it has fewer characters."""

NoticeKind = Literal["loading", "retry", "fallback", "hedge", "recorded", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function the model wants called; `arguments` is the JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of the `index`-th tool call: id and name come once, arguments in parts.

    `extra` is what the server wants back with the call; see `ChatMessage.extra`.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    extra: Json | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool that council ran for an expert, and what came of it, as far as it may be shown.

    Attributes:
        id: The call's id, unique within a reply.
        name: What the model called.
        arguments: The JSON text as the model wrote it, shortened and without secrets.
        result: What the model was told, shortened and without secrets; None while the tool runs,
            and where it was cut off.
        failed: Whether that was an error: the tool raised, is not known or refused its arguments.
        seconds: How long it ran; None as for `result`.
    """

    id: str
    name: str
    arguments: str
    result: str | None = None
    failed: bool = False
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token's log probability, and those of the likeliest tokens in its place."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One turn of a conversation.

    Attributes:
        role: Whose turn it is.
        content: Text, or parts as the chat API has them (`{"type": "image_url", …}`).
        tool_calls: What an assistant's turn wants called.
        tool_call_id: Which call a tool's turn answers.
        extra: By a call's id, what the server that wrote it wants back with it: the thinking before
            it, or a signature of that. Only the server's own API reads it.
    """

    role: Role
    content: str | tuple[Json, ...] = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    extra: Json | None = None

    @property
    def text(self) -> str:
        """The text of the content, without images and other parts."""
        if isinstance(self.content, str):
            return self.content
        return "".join(str(part.get("text", "")) for part in self.content)

    def with_suffix(self, text: str) -> ChatMessage:
        """The same turn with more text at its end."""
        if isinstance(self.content, str):
            return replace(self, content=self.content + text)
        return replace(self, content=(*self.content, {"type": "text", "text": text}))


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
        tools: Functions the model may call, as the chat API describes them.
        tool_choice: `auto`, `none`, `required`, or an object that names a function.
        response_format: What the answer has to look like, as the chat API describes it.
        logprobs: How many likely tokens to report for each token; None for no log probabilities.
        n: How many answers to write; their tokens say which `choice` they belong to.
        extra: More fields of the body, for what only some servers know.
        request_id: Sent along as `X-Request-Id`, so that both sides' logs can be matched.
    """

    model: str
    messages: tuple[ChatMessage, ...]
    sampling: Sampling = field(default_factory=Sampling)
    request_id: str = ""
    tools: tuple[Json, ...] = ()
    tool_choice: str | Json | None = None
    response_format: Json | None = None
    logprobs: int | None = None
    n: int | None = None
    extra: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens counted by the server, or estimated where it reports none.

    Attributes:
        prompt_tokens: Tokens of the request.
        completion_tokens: Tokens of the reply, its reasoning included.
        cached_tokens: Those of the prompt that a cache had.
        reasoning_tokens: Those of the completion that were reasoning.
        estimated: True where council counted characters because no server counted tokens.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.estimated or other.estimated,
        )

    def __sub__(self, other: Usage) -> Usage:
        """What was used since: `other` is an earlier count of the same."""
        return Usage(
            self.prompt_tokens - other.prompt_tokens,
            self.completion_tokens - other.completion_tokens,
            self.cached_tokens - other.cached_tokens,
            self.reasoning_tokens - other.reasoning_tokens,
            self.estimated,
        )


@dataclass(frozen=True, slots=True)
class Notice:
    """Something an agent did that a watcher should know of and that is no part of the reply.

    Attributes:
        kind: What it was.
        message: The same in words for a person.
        tool: The tool that is run, or was; what was written before the call is no answer.
    """

    kind: NoticeKind
    message: str
    tool: ToolUse | None = None


class ChatToken(NamedTuple):
    """One increment of a reply: any of its parts may be empty.

    A tuple, since there is one for each token: a frozen dataclass takes four times as long to make.

    Attributes:
        text: More of the answer.
        reasoning: More of the model's thinking, kept apart from the answer.
        finish_reason: Set once, on the token that ends the reply.
        usage: Tokens counted so far; the last one reported holds.
        tool_calls: Pieces of tool calls.
        refusal: More of a refusal, which is no answer.
        logprobs: Log probabilities of the text's tokens, where asked for.
        choice: Which of the request's `n` answers this belongs to.
        notice: Set when the agent reports on itself (loading a model, trying again, a tool).
        vectors: What an embedder answers with instead of text, in the order of the texts.
    """

    text: str = ""
    reasoning: str = ""
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    tool_calls: tuple[ToolCallDelta, ...] = ()
    refusal: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()
    choice: int = 0
    notice: Notice | None = None
    vectors: tuple[tuple[float, ...], ...] = ()


def text_token(text: str) -> ChatToken:
    """A token of text alone, as nearly all are: filling in defaults costs three times as much."""
    return tuple.__new__(ChatToken, (text, "", None, None, (), "", (), 0, None, ()))


def set_aside(reasoning: str, text: str) -> str:
    """The thinking of a reply with words at its end that came before a tool, and are no answer."""
    parts = [part.strip("\n") for part in (reasoning, text) if part.strip()]
    return "".join(f"{part}\n\n" for part in parts)
