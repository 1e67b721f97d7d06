"""Takes one reply from its request to its outcome: limits, clock and events, failures as values."""

from __future__ import annotations

import anyio

from council.budget import Budget
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
    ToolCalled,
    ToolReturned,
)
from council.hedge import open_reply
from council.limits import Deadline
from council.live import LiveReply
from council.messages import ChatToken, Notice
from council.replies import Reply, ReplyStatus

_ENDINGS = {"complete": ExpertFinished, "failed": ExpertFailed, "cancelled": ExpertCancelled}


class Asker:
    """Asks for the replies of one run.

    Args:
        emit: Where events go.
        deadline: When the run has to be over.
        limiter: Bounds how many requests are under way at once.
        budget: What the run may use; None for no limit.
    """

    def __init__(
        self,
        emit: Emit,
        deadline: Deadline,
        limiter: anyio.CapacityLimiter,
        budget: Budget | None = None,
    ) -> None:
        self.emit = emit
        self.deadline = deadline
        self._limiter = limiter
        self._budget = budget

    @property
    def at(self) -> float:
        """Seconds since the run started, for events."""
        return anyio.current_time() - self.deadline.started

    async def ask(self, live: LiveReply, until: float, *, answering: bool = False) -> Reply:
        """Takes one reply to its outcome; an agent's failure is an outcome too.

        Args:
            live: The reply, not asked for yet.
            until: When it is cut off.
            answering: Its text is the panel's answer too.
        """
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
            live.cut_after = until - self.deadline.started
            error = AgentTimeout("deadline", live.cut_after)
        status: ReplyStatus = "failed" if error else "complete"
        return self.settle(live, live.end(status, anyio.current_time(), error))

    def settle(self, live: LiveReply, outcome: Reply) -> Reply:
        """Gives a reply its outcome, and says so."""
        live.outcome = outcome
        live.ended.set()
        if self._budget is not None:
            self._budget.forget(live.request.request_id)
        ending = _ENDINGS[outcome.status]
        self.emit(ending(self.at, live.expert.id, live.sample, outcome))
        return outcome

    async def _stream(self, live: LiveReply, *, answering: bool) -> None:
        model = live.expert.agent.model
        self.emit(ExpertStarted(self.at, live.expert.id, live.sample, model, live.stage))
        live.start(anyio.current_time())
        async with open_reply(live.expert.agent, live.request, live.expert.hedge_after) as tokens:
            async for token in tokens:
                # Asked once for each token: finding out which event loop runs is not free.
                now = anyio.current_time()
                live.take(token, now)
                self._emit_token(live, token, now - self.deadline.started, answering=answering)

    def _emit_token(self, live: LiveReply, token: ChatToken, at: float, *, answering: bool) -> None:
        if token.notice:
            self._tell(live, token.notice, at)
        if token.text or token.reasoning:
            self.emit(
                ExpertToken(
                    at, live.expert.id, live.sample, live.stage, token.text, token.reasoning
                )
            )
        if answering and token.text:
            self.emit(AnswerToken(at, token.text))

    def _tell(self, live: LiveReply, notice: Notice, at: float) -> None:
        who = (at, live.expert.id, live.sample, live.stage)
        use = notice.tool
        if use is None:
            self.emit(ExpertNotice(*who, notice.kind, notice.message))
            return
        live.use_tool(use)
        if use.result is None:
            self.emit(ToolCalled(*who, use.id, use.name, use.arguments))
        else:
            told = (use.result, use.failed, use.seconds or 0.0)
            self.emit(ToolReturned(*who, use.id, use.name, *told))
