"""Going back to a run that is kept: going on with it, or deciding anew from its answers.

Both make a new run, whose record names the old one as its parent. A record, once written, is never
added to: each can be replayed from its beginning to its end, and may be gone back to twice.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import anyio.to_thread

from council.answer_form import AnswerForm
from council.council import Council, open_council
from council.errors import StoreError
from council.run import Run
from council.seating import offered
from council.sources import PanelSource, StrategySource, to_strategy
from council.store.lineage import heritage
from council.store.panel_record import FormRecord, PanelRecord
from council.store.recorded_embedder import embedder_for
from council.store.records import Origin, RunRecord
from council.store.restored import form_of, panel_of, strategy_of
from council.store.store import Store
from council.store.tape import Tape
from council.structured import ResponseFormat, to_form
from council.tools.functions import ToolSource


@asynccontextmanager
async def resumed(
    store: Store,
    id: str,
    *,
    panel: PanelSource | None = None,
    strategy: StrategySource | None = None,
    deadline: float | None = None,
    response_format: ResponseFormat | None = None,
    tools: Sequence[ToolSource] = (),
    anyway: bool = False,
    keep: bool = True,
) -> AsyncGenerator[Run, None]:
    """Goes on with a run that did not end well, without asking again who had answered.

    The same question goes to the same panel with the same strategy and seed. A request that was
    answered in whole is answered from the record; all others go out.

    Args:
        store: Where the run is kept.
        id: The run's id, the beginning of it, or `last`.
        panel: The panel, where it is not the file of then.
        strategy: The strategy, where the run's own was made in Python.
        deadline: Seconds that the new run may take; by default as long as the old one might.
        response_format: The pydantic model that the answer is to be an instance of, where it was
            given one: the record has its schema alone. Another form than then is a change.
        tools: The tools of then, where it had any: the record has their descriptions alone. Those
            of replies in the record are not run again.
        anyway: Go on although the panel has changed, or the run seems to go on elsewhere.
        keep: Record the new run in the same store.

    Raises:
        StoreError: There is no such run, it is still going on, or the panel has changed since.
        ConfigError: The panel cannot be used.
    """
    record = await anyio.to_thread.run_sync(store.run, id)
    if record.alive and not anyway:
        raise StoreError(
            f"run {record.id[:8]} is still going on in process {record.pid}: wait for it, or pass"
            " --anyway"
        )
    tape = await _tape(store, record, live=True, origin="resume")
    form = _given_form(record, response_format)
    same = _same_panel(store, record, panel, form, tools, anyway=anyway, keep=keep)
    async with same as council:
        chosen = strategy_of(record) if strategy is None else strategy
        council.embedder = embedder_for(council.embedder, tape, anyway=anyway)
        async with council.stream(
            record.conversation,
            strategy=chosen,
            deadline=deadline or record.limits.deadline,
            max_total_tokens=record.limits.tokens,
            max_cost=record.limits.cost,
            response_format=form,
            tools=tools,
            max_tool_turns=record.limits.tool_turns,
            seed=record.seed,
            tape=tape,
            place=record.place,
        ) as run:
            yield run


@asynccontextmanager
async def redecided(
    store: Store,
    id: str,
    strategy: StrategySource,
    *,
    ask: bool = False,
    panel: PanelSource | None = None,
    response_format: ResponseFormat | None = None,
    tools: Sequence[ToolSource] = (),
    anyway: bool = False,
    keep: bool = True,
) -> AsyncGenerator[Run, None]:
    """Decides anew from the answers of a run.

    Nobody is asked and no panel file is needed, unless `ask` allows it: then whatever the record
    does not hold goes to the panel. Without it, a strategy that wants to ask something new fails.

    Args:
        store: Where the run is kept.
        id: The run's id, the beginning of it, or `last`.
        strategy: How to decide.
        ask: Ask what is not in the record.
        panel: Whom to ask, where it is not the file of then.
        response_format: As for `resumed`.
        tools: As for `resumed`; needed only where somebody may be asked.
        anyway: Ask although the panel has changed.
        keep: Record the new run in the same store.

    Raises:
        StoreError: There is no such run, or the panel has changed since.
        ConfigError: The strategy or the panel cannot be used.
    """
    chosen = to_strategy(strategy)
    record = await anyio.to_thread.run_sync(store.run, id)
    tape = await _tape(store, record, live=ask, origin="redecide")
    form = _given_form(record, response_format)
    if ask:
        opened = _same_panel(store, record, panel, form, tools, anyway=anyway, keep=keep)
    else:
        opened = _recorded_panel(store if keep else None, record, form)
    async with opened as council:
        needed = chosen.needs_embedder
        council.embedder = embedder_for(council.embedder, tape, needed=needed, anyway=anyway)
        async with council.stream(
            record.conversation,
            strategy=chosen,
            max_total_tokens=record.limits.tokens if ask else None,
            max_cost=record.limits.cost if ask else None,
            response_format=form,
            tools=tools if ask else (),
            max_tool_turns=record.limits.tool_turns,
            seed=record.seed,
            tape=tape,
            place=record.place,
        ) as run:
            yield run


async def _tape(store: Store, record: RunRecord, *, live: bool, origin: Origin) -> Tape:
    held = await anyio.to_thread.run_sync(heritage, store, record)
    replies, vectors = held.replies, held.vectors
    return Tape(record.id, replies, vectors, live=live, origin=origin, asked=held.asked)


@asynccontextmanager
async def _same_panel(
    store: Store,
    record: RunRecord,
    panel: PanelSource | None,
    form: AnswerForm | None,
    tools: Sequence[ToolSource],
    *,
    anyway: bool,
    keep: bool,
) -> AsyncGenerator[Council, None]:
    """The panel that a run was asked of, if it still asks the same.

    Args:
        store: Where the run is kept.
        record: The run.
        panel: The panel, where it is not the file of then.
        form: What the new run is given as its form; None for the panel's own.
        tools: What the new run is given as its tools.
        anyway: Take it although it has changed.
        keep: Record the new run in the same store.

    Raises:
        StoreError: Nobody knows the panel, or it has changed since.
        ConfigError: The panel cannot be used.
    """
    source = panel or record.source
    if not source:
        raise StoreError(
            f"run {record.id[:8]} was asked of a panel made in Python: only Python can give it"
            " again (panel=…)"
        )
    async with open_council(source, store=store if keep else None) as council:
        asked = form or council.form
        kept = FormRecord.of(asked, given=form is not None) if asked else None
        if record.panel.tools and not tools and not anyway:
            raise _tools_missing(record)
        experts, _ = offered(council.experts, tools)
        changes = record.panel.changes(PanelRecord.of(experts, council.writers, kept))
        if changes and not anyway:
            raise StoreError(
                f"{record.source or 'the panel'}: changed since run {record.id[:8]} in"
                f" {', '.join(changes)}: pass --anyway to ask it as it is now"
            )
        yield council


@asynccontextmanager
async def _recorded_panel(
    store: Store | None, record: RunRecord, form: AnswerForm | None
) -> AsyncGenerator[Council, None]:
    """A panel of the recorded seats, whose agents can only repeat what they said."""
    parts = panel_of(record, None if form else form_of(record))
    yield Council(parts, store=store, source=record.source)


def _given_form(record: RunRecord, response_format: ResponseFormat | None) -> AnswerForm | None:
    """The form that the new run is given; None where it is the panel's own, or there is none."""
    if response_format is not None:
        return to_form(response_format)
    kept = record.panel.form
    return form_of(record) if kept and kept.given else None


def _tools_missing(record: RunRecord) -> StoreError:
    names = ", ".join(str(tool["function"]["name"]) for tool in record.panel.tools)
    return StoreError(
        f"run {record.id[:8]} had tools ({names}), which are functions in Python: only Python can"
        " give them again (tools=…); --anyway goes on without"
    )
