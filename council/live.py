"""A reply while it is being written."""

from __future__ import annotations

import anyio

from council.agents.base import Agent
from council.errors import AgentError
from council.messages import ChatRequest, ChatToken, FinishReason, Usage
from council.replies import Failure, Reply, ReplyStatus, Timings


class LiveReply:
    """Gathers one reply's tokens until it has an outcome.

    Args:
        expert: The expert's id.
        agent: Who is asked.
        request: What it is asked.
        sample: Which sample of the expert this is.
        stage: What it is asked for.
    """

    def __init__(
        self, expert: str, agent: Agent, request: ChatRequest, sample: int, stage: str
    ) -> None:
        self.expert = expert
        self.agent = agent
        self.request = request
        self.sample = sample
        self.stage = stage
        self.outcome: Reply | None = None
        self.cut_by_deadline = False
        self.ended = anyio.Event()
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._finish_reason: FinishReason | None = None
        self._usage: Usage | None = None
        self._started: float | None = None
        self._first_token: float | None = None

    def start(self, now: float) -> None:
        """The request goes out."""
        self._started = now

    def take(self, token: ChatToken, now: float) -> None:
        """Adds one increment."""
        if token.text:
            self._text.append(token.text)
        if token.reasoning:
            self._reasoning.append(token.reasoning)
        if self._first_token is None and (token.text or token.reasoning):
            self._first_token = now
        self._finish_reason = token.finish_reason or self._finish_reason
        self._usage = token.usage or self._usage

    def end(self, status: ReplyStatus, now: float, error: AgentError | None = None) -> Reply:
        """The reply as it stands, with the given outcome."""
        started = now if self._started is None else self._started
        first = None if self._first_token is None else self._first_token - started
        return Reply(
            id=self.expert,
            model=self.agent.model,
            sample=self.sample,
            stage=self.stage,
            status=status,
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            finish_reason=self._finish_reason,
            error=Failure.of(error) if error else None,
            usage=self._usage,
            timings=Timings(first, now - started),
        )
