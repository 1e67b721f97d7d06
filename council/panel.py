"""One run's panel: asks experts, streams them as events, and keeps every outcome as a value.

This is all that a strategy sees. Tasks, limits, clocks and events live here, so that strategies
are left with prompts and decisions.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import anyio

from council.errors import AgentError, AgentTimeout
from council.events import (
    AnswerToken,
    Emit,
    ExpertCancelled,
    ExpertFailed,
    ExpertFinished,
    ExpertNotice,
    ExpertStarted,
    ExpertToken,
)
from council.expert import Expert, opening
from council.hedge import open_reply
from council.limits import Deadline, default_quorum
from council.live import LiveReply
from council.messages import ChatMessage, ChatRequest, ChatToken
from council.quorum import check_quorum
from council.replies import Reply, ReplyStatus

Prompt = Callable[[Expert], tuple[ChatMessage, ...]]
"""The messages for one expert."""

Enough = Callable[[Sequence[Reply]], bool]
"""Told the replies so far; True ends the stage and cancels whoever still writes."""


class Panel:
    """The experts of one run and everything they said in it.

    Args:
        experts: At least one, with distinct ids.
        messages: The conversation; the last message is the question.
        writers: Who may write the answer from the others' answers, in order of preference.
        emit: Where events go.
        deadline: When the run has to be over.
        limiter: Bounds how many requests are under way at once.
        quorum: How many experts must give a substantive answer; None for the default.
    """

    def __init__(
        self,
        experts: Sequence[Expert],
        messages: tuple[ChatMessage, ...],
        *,
        writers: Sequence[Expert] = (),
        emit: Emit,
        deadline: Deadline,
        limiter: anyio.CapacityLimiter,
        quorum: int | None = None,
    ) -> None:
        self.experts = tuple(experts)
        self.messages = messages
        self.writers = tuple(writers) or self.experts
        self.emit = emit
        self._deadline = deadline
        self._limiter = limiter
        self._quorum = quorum
        self._asked: list[LiveReply] = []

    @property
    def question(self) -> str:
        """What the panel is asked."""
        return self.messages[-1].text

    @property
    def at(self) -> float:
        """Seconds since the run started, for events."""
        return anyio.current_time() - self._deadline.started

    def expert(self, reply: Reply) -> Expert:
        """The expert behind a reply."""
        return next(expert for expert in self.experts if expert.id == reply.id)

    def replies(self, stage: str | None = None) -> tuple[Reply, ...]:
        """All replies so far, in the order asked; those still under way as if cancelled now."""
        now = anyio.current_time()
        return tuple(
            live.outcome or live.end("cancelled", now)
            for live in self._asked
            if stage in (None, live.stage)
        )

    async def ask_all(
        self,
        prompt: Prompt | None = None,
        *,
        enough: Enough | None = None,
        stagger: float | None = None,
        share: float = 1.0,
        stage: str = "answer",
    ) -> list[Reply]:
        """Asks every expert, with all its samples, at once.

        Args:
            prompt: The messages for each expert; by default the question with the persona.
            enough: Asked after each outcome; True cancels those still under way.
            stagger: Seconds between a request and the next one, unless it ends earlier; None to
                ask all at once.
            share: The part of the time left that this stage may take, 0 to 1.
            stage: What the replies are marked with.

        Returns:
            One reply for each expert and sample, in the panel's order.
        """
        prompt = prompt or partial(opening, self.messages)
        now = anyio.current_time()
        until = now + self._deadline.share(share, now)
        lives = [
            self._seat(expert, prompt(expert), sample, stage)
            for expert in self.experts
            for sample in range(expert.samples)
        ]
        async with anyio.create_task_group() as group:

            async def ask_one(live: LiveReply, wait: Callable[[], Awaitable[None]]) -> None:
                await wait()
                await self._ask(live, until)
                if enough and enough([other.outcome for other in lives if other.outcome]):
                    group.cancel_scope.cancel()

            for live, wait in zip(lives, _starts(lives, stagger), strict=True):
                group.start_soon(ask_one, live, wait)
        for live in lives:
            if live.outcome is None:
                self._settle(live, live.end("cancelled", anyio.current_time()))
        return [live.outcome for live in lives if live.outcome]

    async def ask_writer(
        self,
        writer: Expert,
        messages: tuple[ChatMessage, ...],
        *,
        stage: str,
        share: float = 1.0,
    ) -> Reply:
        """Asks one expert for the panel's answer; its text goes out as the answer's tokens too.

        Args:
            writer: Who is asked.
            messages: What it is asked.
            stage: What the reply is marked with.
            share: The part of the time left that it may take, 0 to 1.
        """
        live = self._seat(writer, messages, 0, stage)
        now = anyio.current_time()
        return await self._ask(live, now + self._deadline.share(share, now), answering=True)

    def require_quorum(
        self,
        replies: Sequence[Reply],
        substantive: Sequence[Reply],
        *,
        needed: int | None = None,
    ) -> None:
        """Raises unless enough experts are among the substantive replies.

        Args:
            replies: All of the stage.
            substantive: Those that count.
            needed: How many the strategy needs, whatever the panel says; None for the panel's
                quorum, or the rule of `default_quorum`.

        Raises:
            QuorumLost: Too few experts answered.
            LimitExceeded: Too few answered, and the run's deadline is what cut some of them off.
        """
        required = needed or self._quorum or default_quorum(len(self.experts))
        cuts = [live.cut_after for live in self._asked if live.cut_after is not None]
        check_quorum(required, replies, substantive, cut_after=max(cuts, default=None))

    def _seat(
        self, expert: Expert, messages: tuple[ChatMessage, ...], sample: int, stage: str
    ) -> LiveReply:
        request = ChatRequest(
            expert.agent.model,
            messages,
            expert.sampling.for_sample(sample),
            request_id=uuid.uuid4().hex,
            extra=expert.extra,
        )
        live = LiveReply(expert, request, sample, stage)
        self._asked.append(live)
        return live

    async def _ask(self, live: LiveReply, until: float, *, answering: bool = False) -> Reply:
        """Takes one reply to its outcome; an agent's failure is an outcome too."""
        error: AgentError | None = None
        with anyio.CancelScope(deadline=until) as scope:
            async with self._limiter:
                try:
                    await self._stream(live, answering=answering)
                except AgentError as raised:
                    error = raised
                except Exception as raised:
                    # A plug-in's defect costs its own answer and nobody else's.
                    error = AgentError(f"{type(raised).__name__}: {raised}")
        if scope.cancelled_caught and not live.whole:
            live.cut_after = until - self._deadline.started
            error = AgentTimeout("deadline", live.cut_after)
        status: ReplyStatus = "failed" if error else "complete"
        return self._settle(live, live.end(status, anyio.current_time(), error))

    async def _stream(self, live: LiveReply, *, answering: bool) -> None:
        model = live.expert.agent.model
        self.emit(ExpertStarted(self.at, live.expert.id, live.sample, model, live.stage))
        live.start(anyio.current_time())
        async with open_reply(live.expert.agent, live.request, live.expert.hedge_after) as tokens:
            async for token in tokens:
                live.take(token, anyio.current_time())
                self._emit_token(live, token, answering=answering)

    def _emit_token(self, live: LiveReply, token: ChatToken, *, answering: bool) -> None:
        at = self.at
        if token.notice:
            kind, message = token.notice.kind, token.notice.message
            self.emit(ExpertNotice(at, live.expert.id, live.sample, live.stage, kind, message))
        if token.text or token.reasoning:
            self.emit(
                ExpertToken(
                    at, live.expert.id, live.sample, live.stage, token.text, token.reasoning
                )
            )
        if answering and token.text:
            self.emit(AnswerToken(at, token.text))

    def _settle(self, live: LiveReply, outcome: Reply) -> Reply:
        live.outcome = outcome
        live.ended.set()
        kinds = {
            "complete": ExpertFinished,
            "failed": ExpertFailed,
            "cancelled": ExpertCancelled,
        }
        self.emit(kinds[outcome.status](self.at, live.expert.id, live.sample, outcome))
        return outcome


def _starts(
    lives: Sequence[LiveReply], stagger: float | None
) -> list[Callable[[], Awaitable[None]]]:
    """For each request, what to wait for before it goes out."""

    def start(position: int) -> Callable[[], Awaitable[None]]:
        async def wait() -> None:
            if stagger is not None and position > 0:
                before = lives[position - 1]
                await before.due.wait()
                with anyio.move_on_after(stagger):
                    await before.ended.wait()
            lives[position].due.set()

        return wait

    return [start(position) for position in range(len(lives))]
