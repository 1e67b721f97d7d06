"""The list of runs: those in memory, and those of the record."""

from __future__ import annotations

import anyio.to_thread

from council.gateway.errors import UnknownRun
from council.gateway.kept_run import panel_name, record_status
from council.gateway.live_run import LiveRun
from council.gateway.schema import RunEntry, RunList
from council.gateway.state import GatewayState
from council.store.records import RunRecord
from council.store.store import Store

_SHOWN = 200
"""Characters of a question or an answer that a list has."""


async def list_runs(
    state: GatewayState, owner: str, limit: int, before: str | None = None
) -> RunList:
    """Runs that somebody may see, the newest first.

    Args:
        state: The gateway's.
        owner: Who asks; empty for everybody's.
        limit: How many.
        before: Only those that began before the run of this id.

    Raises:
        UnknownRun: There is no run `before`.
        StoreError: The record cannot be read.
    """
    if before is not None:
        await state.runs.get(before, owner, "before")
    live = state.runs.in_memory(owner)
    if state.store is None or not state.store.keeping:
        return _of_memory(live, limit, before)
    records = await anyio.to_thread.run_sync(_records, state.store, limit + 1, owner, before)
    by_id = {run.id: run for run in live}
    entries = [_of_run(by_id[r.id]) if r.id in by_id else _of_record(state, r) for r in records]
    if before is None:
        kept = {record.id for record in records}
        oldest = records[-1].started if len(records) > limit else 0.0
        # What waits for its turn, above all, is not in the record yet.
        fresh = [run for run in live if run.id not in kept and run.created >= oldest]
        entries = [*map(_of_run, fresh), *entries]
    return RunList(runs=entries[:limit], more=len(entries) > limit)


def _records(store: Store, limit: int, owner: str, before: str | None) -> list[RunRecord]:
    return store.runs(limit, owner=owner or None, before=before)


def _of_memory(live: list[LiveRun], limit: int, before: str | None) -> RunList:
    if before is not None:
        ids = [run.id for run in live]
        if before not in ids:
            raise UnknownRun(before, "before")
        live = live[ids.index(before) + 1 :]
    return RunList(runs=[_of_run(run) for run in live[:limit]], more=len(live) > limit)


def _of_run(run: LiveRun) -> RunEntry:
    return RunEntry(
        id=run.id,
        panel=run.panel,
        question=run.question,
        status=run.status,
        created=run.created,
        strategy=run.strategy,
        answer=_short(run.result.answer if run.result else None),
    )


def _of_record(state: GatewayState, record: RunRecord) -> RunEntry:
    return RunEntry(
        id=record.id,
        panel=panel_name(record, state.runs.panel_of),
        question=record.question,
        status=record_status(record),
        created=record.started,
        strategy=record.strategy,
        answer=_short(record.answer),
    )


def _short(text: str | None) -> str | None:
    return text if text is None else text[:_SHOWN]
