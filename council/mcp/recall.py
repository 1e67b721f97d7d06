"""Runs that were asked here, and those of the record."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from time import time
from typing import TYPE_CHECKING

import anyio.to_thread

from council.errors import StoreError
from council.gateway.kept_run import KeptRun, panel_name, record_status
from council.gateway.run_facts import About
from council.mcp.arguments import LAST
from council.result import Result

if TYPE_CHECKING:  # SQLite is loaded where runs are kept
    from council.store.records import RunRecord
    from council.store.store import Store

_MOST = 64
_ONLY_HERE = "no run {!r} is known: without a store, only this session's are"


@dataclass(frozen=True, slots=True)
class Known:
    """A run that can be explained.

    Attributes:
        result: What it came to.
        about: Which panel was asked, and when.
        owner: Whose run it is; empty where nobody is told apart.
    """

    result: Result
    about: About
    owner: str = ""


class Recall:
    """The last runs of this process, and all runs of the record.

    Args:
        store: The record, where there is one.
        panel_of: Names of panels by their files' paths, for runs of the record.
    """

    def __init__(self, store: Store | None, panel_of: dict[str, str]) -> None:
        self._store = store
        self._panel_of = panel_of
        self._latest: OrderedDict[str, Known] = OrderedDict()

    def keep(self, result: Result, panel: str, owner: str) -> None:
        """Notes a run that has just ended."""
        about = About(panel, time() - result.seconds)
        self._latest[result.run_id] = Known(result, about, owner)
        while len(self._latest) > _MOST:
            self._latest.popitem(last=False)

    async def find(self, id: str, owner: str) -> Known:
        """A run, by its id, the beginning of it, or `last`.

        Args:
            id: Which one.
            owner: Who asks; empty for somebody who may see all runs.

        Raises:
            StoreError: There is no such run that may be seen, several begin so, or it goes on.
        """
        seen = [run for run in reversed(self._latest.values()) if owner in ("", run.owner)]
        if id == LAST:
            return await self._last(seen, owner)
        found = [run for run in seen if run.result.run_id.startswith(id)]
        if len(found) == 1:
            return found[0]
        if found:
            raise StoreError(f"several runs begin with {id!r}: give more of the id")
        if self._store is None:
            raise StoreError(_ONLY_HERE.format(id))
        return await anyio.to_thread.run_sync(self._kept, self._store, id, owner)

    async def _last(self, seen: Sequence[Known], owner: str) -> Known:
        """The run that began last, here or elsewhere, of those that are over."""
        here = max(seen, key=lambda run: run.about.created, default=None)
        if self._store is None or not self._store.keeping:
            if here is None:
                raise StoreError(_ONLY_HERE.format(LAST))
            return here
        kept = await anyio.to_thread.run_sync(_newest, self._store, owner)
        if kept is not None and (here is None or kept.started > here.about.created):
            # The same run has slightly different times in both: what is known here says more.
            return await self.find(kept.id, owner)
        if here is None:
            raise StoreError("no run is known yet: ask_panel makes one")
        return here

    def _kept(self, store: Store, id: str, owner: str) -> Known:
        """A run of the record; waits for the disk."""
        record = store.run(id)
        if owner not in ("", record.owner):
            raise StoreError(f"no run {id!r} is known")
        run = KeptRun(record, panel_name(record, self._panel_of), store.lines(record.id))
        if run.result is None:
            raise StoreError(f"run {record.id} goes on: it can be explained once it has ended")
        return Known(run.result, About(run.panel, run.created), run.owner)


def _newest(store: Store, owner: str) -> RunRecord | None:
    """The newest run of the record that is over; waits for the disk."""
    runs = store.runs(_MOST, owner=owner or None)
    return next((run for run in runs if record_status(run) != "running"), None)
