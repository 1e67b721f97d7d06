"""`Council`: experts and a strategy that answer as one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

import anyio

from council.answer_form import AnswerForm
from council.assemble import Parts
from council.budget import Budget
from council.checks import price_problem, unpriced
from council.config import PanelConfig
from council.conversation import Conversation
from council.errors import ConfigError
from council.expert import Expert
from council.limits import RunLimits, checked_limit
from council.messages import ChatMessage
from council.place import History, Place
from council.result import Result
from council.run import Run
from council.seating import Around, offered
from council.sources import (
    AskOptions,
    MessageSource,
    PanelSource,
    Question,
    StoreSource,
    StrategySource,
    opened_store,
    parts_of,
    source_of,
    to_messages,
    to_strategy,
)
from council.strategies import Strategy
from council.structured import ResponseFormat, reading, to_form
from council.tasks import task_group
from council.telemetry.listening import heard_by, listening
from council.telemetry.subject import Subject
from council.ticket import Ticket
from council.tools.functions import ToolSource

if TYPE_CHECKING:  # SQLite is loaded where runs are kept
    from council.agents.local_server import LocalServer
    from council.store.recording import Recording
    from council.store.store import Store
    from council.store.tape import Tape


class Council:
    """A panel ready to be asked, any number of times and at the same time; see `open_council`.

    Attributes:
        experts: The seats.
        writers: Who may write the answer from the others' answers; empty for the experts.
        embedder: Who turns texts into vectors; one set here stays the caller's to close.
        strategy: How it decides unless a run says otherwise.
        limits: Limits of a run unless a run says otherwise.
        form: What answers have to look like unless a run says otherwise; None for any text.
        store: Where runs are kept, if anywhere.
        source: The panel file's path; empty for a panel made in Python.
        config: The panel file's content; None for a panel made in Python.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        store: Store | None = None,
        source: str = "",
        config: PanelConfig | None = None,
    ) -> None:
        self.experts = parts.experts
        self.writers = parts.writers
        self.embedder = parts.embedder
        self.strategy = parts.strategy
        self.limits = parts.limits
        self.form = parts.form
        self.store = store
        self._parts = parts
        self.source = source
        self.config = config
        self._limiter = anyio.CapacityLimiter(parts.limits.concurrency)

    @asynccontextmanager
    async def stream(
        self,
        question: Question,
        *,
        strategy: StrategySource | None = None,
        deadline: float | None = None,
        max_total_tokens: int | None = None,
        max_cost: float | None = None,
        response_format: ResponseFormat | None = None,
        tools: Sequence[ToolSource] = (),
        max_tool_turns: int | None = None,
        seed: int = 0,
        tape: Tape | None = None,
        place: Place | None = None,
        ticket: Ticket | None = None,
    ) -> AsyncGenerator[Run, None]:
        """Starts a run; iterate it for events, then read `result`. Leaving the block stops it.

        A run that fails does not raise here: its last event and `result` say so.

        Args:
            question: What to ask: a text, or messages, the question last; a mapping of `role` and
                `content` is one too.
            strategy: Instead of the panel's own.
            deadline: Seconds that the run may take, instead of the panel's own.
            max_total_tokens: How many tokens the run may use, prompts and replies together,
                instead of the panel's own limit.
            max_cost: How many US dollars the run may cost, instead of the panel's own limit.
            response_format: What the answer has to be, instead of the panel's own: a JSON schema,
                or a pydantic model's class; `Result.parsed` is the value, or an instance of it.
            tools: Functions, or `Tool`s, that experts may have called before they answer.
            max_tool_turns: How many times one reply may ask for tools, instead of the panel's own
                limit.
            seed: Draws the lots of the strategy (orders, labels): the same ones for the same seed
                and question.
            tape: Replies of an earlier run, to be given instead of asking; see `rerun.py`.
            place: Where the run stands in a conversation; see `conversation.py`.
            ticket: The run's id and owner, where somebody had to know them before.

        Raises:
            ConfigError: An argument cannot be used.
        """
        form, chosen = self._chosen(response_format, strategy)
        limits = self._limits(deadline, max_total_tokens, max_cost, max_tool_turns)
        messages, budget = to_messages(question), self._budget(limits)
        experts, given = offered(self.experts, tools)
        recording = self._record(experts, messages, chosen, limits, tape, form, place, ticket)
        subject = Subject(experts, self.writers, self.source, place, in_form=form is not None)
        heard = listening(subject)
        around = Around(budget, given, limits.tool_turns, self.config, recording, tape, heard)
        with heard_by(recording, heard) as watch:
            run = Run(
                around.seats(experts),
                chosen if tape is None else tape.guard(chosen),
                messages,
                writers=around.seats(self.writers),
                limits=limits,
                limiter=self._limiter,
                seed=seed,
                embedder=around.embedder(self.embedder),
                watch=watch,
                budget=budget,
                form=form,
                place=place,
                lay_out=around.lay_out,
                id=ticket.id if ticket else None,
            )
            with closing(run):
                async with task_group() as group:
                    group.start_soon(run.execute)
                    yield run
                    group.cancel_scope.cancel()

    def check(self, question: Question, **options: Unpack[AskOptions]) -> None:
        """Raises ConfigError where `stream` would for these arguments; begins nothing."""
        self._chosen(options.get("response_format"), options.get("strategy"))
        limits = self._limits(
            options.get("deadline"),
            options.get("max_total_tokens"),
            options.get("max_cost"),
            options.get("max_tool_turns"),
        )
        self._budget(limits)
        to_messages(question)
        offered(self.experts, options.get("tools", ()))

    async def ask(self, question: Question, **options: Unpack[AskOptions]) -> Result:
        """Runs the panel to its result; arguments as for `stream`.

        Raises:
            QuorumLost: Too few experts answered.
            LimitExceeded: A limit was reached before there was an answer.
            StrategyError: The strategy could not decide, or the answer does not have the form
                asked for.
            ConfigError: An argument cannot be used.
        """
        async with self.stream(question, **options) as run:
            async for _ in run:
                pass
        if run.error is not None:
            raise run.error
        return run.result

    def conversation(
        self,
        history: History = "answers",
        *,
        messages: Sequence[MessageSource] = (),
        max_turns: int | None = None,
        max_tokens: int | None = None,
    ) -> Conversation:
        """Begins a conversation: each question is asked with those before it and their answers.

        Args:
            history: What experts see of earlier turns: the panel's `answers`, or each one its
                `own`. Whoever writes or judges always sees the panel's.
            messages: What was before, the oldest first, ending with an answer. What stands before
                the first question, a system prompt above all, is sent with every question.
            max_turns: How many earlier turns are sent at most. The oldest are left out, whole, and
                the result warns of it.
            max_tokens: How many tokens of history are sent at most, by an estimate.

        Raises:
            ConfigError: An argument cannot be used.
        """
        return Conversation.begun(self, history, messages, max_turns, max_tokens)

    @property
    def local_server(self) -> LocalServer | None:
        """The bundled backend that the panel's local models are asked through, if it has any."""
        from council.agents.local_server import LocalServer

        return self._parts.shared.made(LocalServer) if self._parts.shared else None

    async def aclose(self) -> None:
        """Closes connections and ends the bundled backend, if the panel had started it."""
        await self._parts.aclose()

    def _record(
        self,
        experts: tuple[Expert, ...],
        messages: tuple[ChatMessage, ...],
        strategy: Strategy,
        limits: RunLimits,
        tape: Tape | None,
        form: AnswerForm | None,
        place: Place | None,
        ticket: Ticket | None,
    ) -> Recording | None:
        """Begins the record of a run, where runs are kept."""
        if self.store is None:
            return None
        from council.store.head import head_of
        from council.store.panel_record import FormRecord

        panel = (experts, self.writers)
        kept = FormRecord.of(form, given=form is not self._parts.form) if form else None
        of_file = (self.config, self.source)
        head = head_of(messages, panel, strategy, limits, *of_file, tape, kept, place, ticket)
        return self.store.record(head)

    def _chosen(
        self, response_format: ResponseFormat | None, strategy: StrategySource | None
    ) -> tuple[AnswerForm | None, Strategy]:
        """What the answer has to be, and how it is decided."""
        form = self.form if response_format is None else to_form(response_format)
        return form, reading(self.strategy if strategy is None else to_strategy(strategy), form)

    def _limits(
        self, deadline: float | None, tokens: int | None, cost: float | None, turns: int | None
    ) -> RunLimits:
        given = {
            "deadline": checked_limit("deadline", "number of seconds", deadline),
            "tokens": checked_limit("max_total_tokens", "number of tokens", tokens),
            "cost": checked_limit("max_cost", "number of US dollars", cost),
            "tool_turns": checked_limit("max_tool_turns", "number of turns", turns),
        }
        changed: dict[str, Any] = {name: v for name, v in given.items() if v is not None}
        return replace(self.limits, **changed)

    def _budget(self, limits: RunLimits) -> Budget | None:
        if limits.tokens is None and limits.cost is None:
            return None
        missing = unpriced((*self.experts, *self.writers), self.embedder)
        if limits.cost is not None and missing:
            raise ConfigError(f"the limit of ${limits.cost:g}: {price_problem(missing)}")
        return Budget(limits.tokens, limits.cost)


@asynccontextmanager
async def open_council(
    panel: PanelSource,
    *,
    strategy: StrategySource | None = None,
    store: StoreSource | None = None,
) -> AsyncGenerator[Council, None]:
    """Makes a council and closes it at the end of the block.

    Nothing connects or starts before the first question. Agents made by hand stay the caller's
    to close.

    Args:
        panel: Where the experts come from.
        strategy: Instead of the panel's own.
        store: Where to keep the runs: a file, or a `Store`, which stays the caller's to close.
            None keeps nothing.

    Raises:
        ConfigError: The panel or the strategy cannot be used.

    Example:
        >>> async with open_council("configs/panel.yaml") as panel:
        ...     result = await panel.ask("What is 17 + 25?")
    """
    config, parts = await parts_of(panel)
    try:
        async with opened_store(store) as opened:
            council = Council(parts, store=opened, source=source_of(panel), config=config)
            if strategy is not None:
                council.strategy = to_strategy(strategy)
            yield council
    finally:
        with anyio.CancelScope(shield=True):
            await parts.aclose()


async def ask(
    question: Question,
    *,
    panel: PanelSource,
    store: StoreSource | None = None,
    **options: Unpack[AskOptions],
) -> Result:
    """Asks a panel one question; see `open_council` and `Council.stream`.

    Example:
        >>> result = await council.ask("What is 17 + 25?", panel="configs/panel.yaml")
        >>> result.answer, result.status
        ('17 + 25 = 42.', 'complete')
    """
    async with open_council(panel, store=store) as opened:
        return await opened.ask(question, **options)
