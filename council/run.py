"""One question's way through a panel: events while it goes on, a result at the end."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import anyio

from council.agents.embedder import Embedder
from council.answer_form import AnswerForm
from council.budget import Budget
from council.errors import CouncilError, LimitExceeded, QuorumLost, StrategyError
from council.event_queue import EventQueue
from council.events import AnswerToken, Emit, Event, RunFinished, RunStarted
from council.expert import Expert
from council.limits import Deadline, RunLimits
from council.messages import ChatMessage, ChatRequest
from council.panel import Panel
from council.place import Place
from council.prices import Price
from council.replies import Failure, Reply
from council.result import Result, Status
from council.strategies import Decision, Strategy
from council.structured import in_form


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
        seed: int = 0,
        embedder: Embedder | None = None,
        watch: Callable[[Emit], Emit] | None = None,
        budget: Budget | None = None,
        form: AnswerForm | None = None,
        place: Place | None = None,
        lay_out: Callable[[str, ChatRequest], int | None] | None = None,
        id: str | None = None,
    ) -> None:
        self.id = id or uuid.uuid4().hex
        self.error: CouncilError | None = None
        self._strategy = strategy
        self._budget = budget
        self._notes = place.notes if place else ()
        self._result: Result | None = None
        self._events = EventQueue()
        self._panel = Panel(
            experts,
            messages,
            writers=writers,
            emit=watch(self._events.put) if watch else self._events.put,
            deadline=Deadline(limits.deadline, anyio.current_time()),
            limiter=limiter,
            quorum=limits.quorum,
            quorum_families=limits.quorum_families,
            seed=seed,
            embedder=embedder,
            budget=budget,
            form=form,
            place=place,
            lay_out=lay_out,
        )

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._events

    @property
    def result(self) -> Result:
        """The result; raises RuntimeError while the run goes on."""
        if self._result is None:
            raise RuntimeError("the run is not finished: iterate its events first, or ask()")
        return self._result

    @property
    def prices(self) -> Mapping[str, Price | None]:
        """What the tokens of each expert and writer cost, None where that is not known."""
        return self._panel.prices

    def snapshot(self) -> Result:
        """The result as it would be if the run were stopped now; for whoever interrupts it."""
        return self._result or self._conclude(None, _INTERRUPTED)

    async def execute(self) -> None:
        """Takes the run to its result; called once, by `Council.stream`."""
        try:
            self._announce()
            decision = await self._decide()
            failure = Failure.of(self.error) if self.error else None
            self._result = self._conclude(decision, failure)
            self._panel.emit(RunFinished(self._panel.at, self._result))
        finally:
            self._events.close()

    def close(self) -> None:
        """Lets go of the event stream."""
        self._events.close()

    def _announce(self) -> None:
        panel = self._panel
        seats = tuple(expert.info for expert in panel.experts)
        panel.emit(
            RunStarted(panel.at, self.id, panel.question, self._strategy.name, seats, panel.seed)
        )

    async def _decide(self) -> Decision | None:
        try:
            decision = await self._strategy.decide(self._panel)
            if self._panel.form is not None:
                decision = await in_form(self._panel, self._panel.form, decision)
        except (QuorumLost, StrategyError) as error:
            self.error = self._limit_behind(error) or error
            return None
        except CouncilError as error:
            self.error = error
            return None
        except Exception as error:
            # A strategy is a plug-in too: its defect ends its run and nothing else.
            self.error = StrategyError(f"{self._strategy.name}: {type(error).__name__}: {error}")
            self.error.__cause__ = error
            return None
        if decision.decider is None or decision.chosen:
            # Nobody wrote this answer token by token: it goes out in one piece.
            self._panel.emit(AnswerToken(self._panel.at, decision.answer))
        return decision

    def _limit_behind(self, error: CouncilError) -> LimitExceeded | None:
        """The limit of tokens or money that kept the run from its answer, if one did."""
        hit = self._cut_short()
        if not hit:
            return None
        exceeded = LimitExceeded(self._panel.limits_hit()[0], f"{hit[0]}: {error}")
        exceeded.__cause__ = error
        return exceeded

    def _cut_short(self) -> tuple[str, ...]:
        """A sentence for each limit of tokens or money that cut in."""
        hit = self._panel.limits_hit() if self._budget else ()
        return tuple(f"{self._budget.named(limit)} cut in" for limit in hit if self._budget)

    def _conclude(self, decision: Decision | None, failure: Failure | None) -> Result:
        replies = self._panel.replies()
        made = decision or Decision(answer="")
        decider = made.decider if decision else _last_written(replies)
        # What fails a run is told by its error.
        reasons = (*self._cut_short(), *made.reasons) if decision else ()
        status: Status = "degraded" if reasons else "complete"
        return Result(
            run_id=self.id,
            question=self._panel.question,
            answer=made.answer if decision else None,
            status=status if decision else "failed",
            reasons=reasons,
            strategy=self._strategy.name,
            experts=tuple(self._panel.in_order(r for r in replies if r.stage == "answer")),
            decider=decider,
            votes=made.votes,
            agreement=made.agreement,
            dissent=made.dissent,
            usage=sum((r.usage for r in replies if r.usage), self._panel.embedding_usage),
            warnings=(*made.warnings, *self._panel.ignored(), *self._notes),
            seconds=self._panel.at,
            error=failure,
            saved=made.saved,
            decided_by=made.decided_by,
            ranking=made.ranking,
            rounds=made.rounds,
            others=_elsewhere(replies, made, decider),
            cost=self._panel.cost(),
            limits_hit=self._panel.limits_hit(),
            parsed=made.parsed,
        )


def _last_written(replies: Sequence[Reply]) -> Reply | None:
    """What a run that ended without a decision has of the answer that was being written."""
    written = [reply for reply in replies if reply.stage == "synthesis"]
    return written[-1] if written else None


def _elsewhere(
    replies: Sequence[Reply], made: Decision, decider: Reply | None
) -> tuple[Reply, ...]:
    """The replies that stand nowhere else in the result."""
    told = {id(reply) for held in made.rounds for reply in held.replies}
    told.add(id(decider))
    return tuple(reply for reply in replies if reply.stage != "answer" and id(reply) not in told)


_INTERRUPTED = Failure("interrupted", "the run was interrupted")
