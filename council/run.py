"""One question's way through a panel: events while it goes on, a result at the end."""

from __future__ import annotations

import math
import uuid
from collections.abc import AsyncIterator, Sequence

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from council.errors import CouncilError, StrategyError
from council.events import AnswerToken, Event, RunFinished, RunStarted
from council.expert import Expert
from council.limits import Deadline, RunLimits
from council.messages import ChatMessage, Usage
from council.panel import Panel
from council.replies import Failure, Reply
from council.result import Result, Status
from council.strategies import Decision, Strategy


class Run:
    """A run under way; iterate it for its events, which end with `run.finished`.

    Made by `Council.stream`.

    Attributes:
        id: The run's id.
        error: What made the run fail, once it has; `Council.ask` raises it.
    """

    def __init__(
        self,
        experts: Sequence[Expert],
        strategy: Strategy,
        messages: tuple[ChatMessage, ...],
        *,
        writers: Sequence[Expert],
        limits: RunLimits,
        limiter: anyio.CapacityLimiter,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.error: CouncilError | None = None
        self._strategy = strategy
        self._result: Result | None = None
        self._send: MemoryObjectSendStream[Event]
        self._receive: MemoryObjectReceiveStream[Event]
        # Without a bound: a watcher that pauses must hold up neither the experts, whose limits go
        # on, nor other runs that wait for a request's turn. The texts are kept anyway.
        self._send, self._receive = anyio.create_memory_object_stream(math.inf)
        self._panel = Panel(
            experts,
            messages,
            writers=writers,
            emit=self._send.send_nowait,
            deadline=Deadline(limits.deadline, anyio.current_time()),
            limiter=limiter,
            quorum=limits.quorum,
        )

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._receive

    @property
    def result(self) -> Result:
        """The result; raises RuntimeError while the run goes on."""
        if self._result is None:
            raise RuntimeError("the run is not finished: iterate its events first, or ask()")
        return self._result

    def snapshot(self) -> Result:
        """The result as it would be if the run were stopped now; for whoever interrupts it."""
        return self._result or self._conclude(None, _INTERRUPTED)

    async def execute(self) -> None:
        """Takes the run to its result; called once, by `Council.stream`."""
        async with self._send:
            self._announce()
            decision = await self._decide()
            failure = Failure.of(self.error) if self.error else None
            self._result = self._conclude(decision, failure)
            self._panel.emit(RunFinished(self._panel.at, self._result))

    def close(self) -> None:
        """Lets go of the event stream."""
        self._receive.close()
        self._send.close()

    def _announce(self) -> None:
        panel = self._panel
        seats = tuple(expert.info for expert in panel.experts)
        panel.emit(RunStarted(panel.at, self.id, panel.question, self._strategy.name, seats))

    async def _decide(self) -> Decision | None:
        try:
            decision = await self._strategy.decide(self._panel)
        except CouncilError as error:
            self.error = error
            return None
        except Exception as error:
            # A strategy is a plug-in too: its defect ends its run and nothing else.
            self.error = StrategyError(f"{self._strategy.name}: {type(error).__name__}: {error}")
            self.error.__cause__ = error
            return None
        if decision.decider is None:
            # Nobody wrote this answer token by token: it goes out in one piece.
            self._panel.emit(AnswerToken(self._panel.at, decision.answer))
        return decision

    def _conclude(self, decision: Decision | None, failure: Failure | None) -> Result:
        replies = self._panel.replies()
        made = decision or Decision(answer="")
        status: Status = "degraded" if made.reasons else "complete"
        return Result(
            run_id=self.id,
            question=self._panel.question,
            answer=made.answer if decision else None,
            status=status if decision else "failed",
            reasons=made.reasons,
            strategy=self._strategy.name,
            experts=tuple(reply for reply in replies if reply.stage == "answer"),
            decider=made.decider if decision else _last_written(replies),
            votes=made.votes,
            agreement=made.agreement,
            dissent=made.dissent,
            usage=sum((reply.usage for reply in replies if reply.usage), Usage()),
            warnings=made.warnings,
            seconds=self._panel.at,
            error=failure,
        )


def _last_written(replies: Sequence[Reply]) -> Reply | None:
    """What a run that ended without a decision has of the answer that was being written."""
    written = [reply for reply in replies if reply.stage != "answer"]
    return written[-1] if written else None


_INTERRUPTED = Failure("interrupted", "the run was interrupted")
