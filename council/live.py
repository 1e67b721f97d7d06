"""A reply while it is being written."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import anyio

from council.errors import AgentError, StreamError
from council.expert import Expert
from council.messages import (
    CHARACTERS_PER_TOKEN,
    ChatRequest,
    ChatToken,
    FinishReason,
    TokenLogprob,
    ToolCall,
    ToolCallDelta,
    ToolUse,
    Usage,
    set_aside,
)
from council.replies import Failure, Reply, ReplyStatus, Timings

MAX_CHARACTERS = 4 * 1024 * 1024
"""A reply that grows past this is a server that does not stop; nobody reads it."""


class LiveReply:
    """Gathers one reply's tokens until it has an outcome.

    Args:
        expert: Who is asked.
        request: What it is asked.
        sample: Which sample of the expert this is.
        stage: What it is asked for.
    """

    def __init__(self, expert: Expert, request: ChatRequest, sample: int, stage: str) -> None:
        self.expert = expert
        self.request = request
        self.sample = sample
        self.stage = stage
        self.outcome: Reply | None = None
        self.cut_after: float | None = None
        """Seconds into the run at which a deadline cut it off, if one did."""
        self.choices = 1
        """How many answers to the one request have come; the first is the reply."""
        self.due = anyio.Event()
        """Set when its turn to be asked has come."""
        self.ended = anyio.Event()
        """Set when it has an outcome."""
        self._size = 0
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._logprobs: list[TokenLogprob] = []
        self._calls: dict[int, list[ToolCallDelta]] = {}
        self._tools: dict[str, ToolUse] = {}
        self._turns: list[Usage] = []
        self._finish_reason: FinishReason | None = None
        self._usage: Usage | None = None
        self._started: float | None = None
        self._first_token: float | None = None

    @property
    def whole(self) -> bool:
        """Whether the reply has said that it is finished."""
        return self._finish_reason is not None

    @property
    def sent(self) -> bool:
        """Whether the request has gone out."""
        return self._started is not None

    def start(self, now: float) -> None:
        """The request goes out."""
        self._started = now

    def take(self, token: ChatToken, now: float) -> None:
        """Adds one increment; of several answers to one request, the first is the reply.

        Raises:
            StreamError: The reply has grown past `MAX_CHARACTERS`.
        """
        if token.usage is not None:
            self._usage = token.usage
        if token.choice:
            self.choices = max(self.choices, token.choice + 1)
            return
        if token.text:
            self._text.append(token.text)
        if token.reasoning:
            self._reasoning.append(token.reasoning)
        self._size += len(token.text) + len(token.reasoning) + len(token.refusal)
        for delta in token.tool_calls:
            self._calls.setdefault(delta.index, []).append(delta)
            self._size += len(delta.name) + len(delta.arguments)
        if self._size > MAX_CHARACTERS:
            raise StreamError(f"the reply is longer than {MAX_CHARACTERS} characters")
        if self._first_token is None and (token.text or token.reasoning):
            self._first_token = now
        if token.finish_reason is not None:
            self._finish_reason = token.finish_reason
        if token.refusal:
            self._refusal.append(token.refusal)
        self._logprobs.extend(token.logprobs)

    def use_tool(self, use: ToolUse) -> None:
        """A tool begins to run, or has run: what was written before the call is no answer."""
        if use.id not in self._tools:
            aside = set_aside("".join(self._reasoning), "".join(self._text))
            self._reasoning[:] = [aside]
            self._text.clear()
            self._logprobs.clear()
            self._calls.clear()
            if self._usage is not None and self._usage not in self._turns:
                self._turns.append(self._usage)
        self._tools[use.id] = use

    def requests(self, total: Usage) -> list[Usage]:
        """What each request of the reply used, where tools made it several; a price is for one."""
        return [now - before for before, now in pairwise([Usage(), *self._turns, total])]

    def end(self, status: ReplyStatus, now: float, error: AgentError | None = None) -> Reply:
        """The reply as it stands, with the given outcome."""
        started = now if self._started is None else self._started
        first = None if self._first_token is None else self._first_token - started
        return Reply(
            id=self.expert.id,
            model=self.expert.agent.model,
            sample=self.sample,
            stage=self.stage,
            status=status,
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            finish_reason=self._finish_reason,
            error=Failure.of(error) if error else None,
            usage=self._usage or self._estimate(),
            timings=Timings(first, now - started),
            tool_calls=tuple(joined(pieces) for _, pieces in sorted(self._calls.items())),
            refusal="".join(self._refusal),
            logprobs=tuple(self._logprobs),
            tools=tuple(self._tools.values()),
        )

    def prompt_estimate(self) -> Usage:
        """Usage of the prompt alone, by its length."""
        asked = sum(len(message.text) for message in self.request.messages)
        return Usage(math.ceil(asked / CHARACTERS_PER_TOKEN), estimated=True)

    def _estimate(self) -> Usage | None:
        """Usage by the length of the texts, None where nothing was written."""
        if not self._size:
            return None
        completion = math.ceil(self._size / CHARACTERS_PER_TOKEN)
        return replace(self.prompt_estimate(), completion_tokens=completion)


def joined(pieces: list[ToolCallDelta]) -> ToolCall:
    """A call from its pieces."""
    return ToolCall(
        id=next((piece.id for piece in pieces if piece.id), ""),
        name="".join(piece.name for piece in pieces),
        arguments="".join(piece.arguments for piece in pieces),
    )
