"""One reply to a small question, measured: for those who want to know a server, not an answer."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass

import anyio

from council.agents.base import Agent, has_begun
from council.messages import ChatRequest, ChatToken, Usage

_READABLE_SECONDS = 0.002  # what came within less came in one read: it tells no speed


@dataclass(slots=True)
class Sample:
    """One reply, as far as it was read.

    Attributes:
        started: When the request went out.
        most: Pieces after which a reply that does not end is left.
        text: What was written, thoughts included.
        pieces: In how many tokens of the stream it came.
        first: When the first of them came.
        last: When the last of them came.
        usage: What the server counted.
        has_logprobs: Whether log probabilities came.
        answer: What was written, without thoughts; of several answers, the first.
        choices: How many answers have begun.
        left: Whether the reply was left before its end.
        waited: Whether the agent had to wait, for a model to load or the like.
        refusal: What the model says about why it does not answer.
        tools: The names of tools that it calls.
        filtered: Whether the server held its answer back.
    """

    started: float
    most: int
    text: str = ""
    pieces: int = 0
    first: float | None = None
    last: float = 0.0
    usage: Usage | None = None
    has_logprobs: bool = False
    answer: str = ""
    choices: int = 0
    left: bool = False
    waited: bool = False
    refusal: str = ""
    tools: str = ""
    filtered: bool = False

    def take(self, token: ChatToken, now: float) -> None:
        """Adds one token."""
        self.waited = self.waited or token.notice is not None
        self.usage = token.usage or self.usage
        self.has_logprobs = self.has_logprobs or bool(token.logprobs)
        self.text += token.text + token.reasoning
        self.answer += "" if token.choice else token.text
        self.refusal += "" if token.choice else token.refusal
        self.tools += "".join(f" {call.name}" for call in token.tool_calls if call.name)
        self.filtered = self.filtered or token.finish_reason == "content_filter"
        if has_begun(token):
            self.choices = max(self.choices, token.choice + 1)
            self.first = now if self.first is None else self.first
            self.last = now
            self.pieces += 1
            self.left = self.pieces >= self.most

    @property
    def tokens(self) -> int:
        """How many tokens were written; without a count of the server's, the pieces."""
        return self.usage.completion_tokens if self.usage else self.pieces

    @property
    def instead(self) -> str:
        """What it did instead of answering; empty where there is an answer, or nothing at all."""
        if self.refusal:
            return f"it refuses to answer: {' '.join(self.refusal.split())}"
        if self.filtered:
            return "its answer was held back by a content filter"
        if self.tools and not self.answer.strip():
            return f"it only calls tools:{self.tools}"
        return ""

    @property
    def first_token(self) -> float | None:
        """Seconds from the request to the first token, connecting included."""
        return None if self.first is None else self.first - self.started

    @property
    def tokens_per_second(self) -> float | None:
        """How fast it was written, None where the reply was too short to tell."""
        if self.first is None or self.last - self.first < _READABLE_SECONDS:
            return None
        # What was thought in silence came before the first piece.
        silent = self.usage.reasoning_tokens if self.usage else 0
        written = max(self.pieces, self.tokens - silent)
        return (written - 1) / (self.last - self.first)


async def measure(agent: Agent, request: ChatRequest, *, most: int) -> Sample:
    """Sends a request and measures the reply; after `most` pieces it is left.

    Raises:
        AgentError: The reply failed.
    """
    sample = Sample(anyio.current_time(), most)
    async with aclosing(agent.chat(request)) as tokens:
        async for token in tokens:
            sample.take(token, anyio.current_time())
            if sample.left:
                break
    return sample
