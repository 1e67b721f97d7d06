"""`Store`: the record of runs, for writing and for reading."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from council.errors import StoreError, UnknownRun
from council.events import Event, from_json
from council.store import reading, search
from council.store.database import default_path, open_database, store_path
from council.store.recording import Recording
from council.store.records import (
    Head,
    Hit,
    RecordedReply,
    RecordedRequest,
    RecordedVector,
    RunRecord,
)
from council.store.writer import Writer

_PATIENCE = 10.0


class Store:
    """A file of runs; several processes may write and read it at once.

    Nothing is opened before it is needed, and writing happens in a thread of its own: no run ever
    waits for it, and a file that cannot be written to costs the record and not the run. Reading
    methods wait for the disk; in an event loop call them in a thread.

    Args:
        path: The file, or a folder that holds it; None for `COUNCIL_STORE`, or else the user's
            data directory.
        on_warning: Told once, from another thread, that runs are not kept and why; by default
            that is logged.

    Example:
        >>> with Store("runs.sqlite3") as store:
        ...     async with open_council("panel.yaml", store=store) as panel:
        ...         await panel.ask("What is 17 + 25?")
        ...     print(store.run("last").answer)
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        on_warning: Callable[[str], object] | None = None,
    ) -> None:
        self.path = default_path() if path is None else store_path(path)
        self._writer = Writer(self.path, on_warning or logging.getLogger(__name__).warning)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def record(self, head: Head) -> Recording:
        """Begins the record of a run; returns at once."""
        return self._writer.record(head)

    def prove(self) -> None:
        """Makes or opens the file now; where that cannot be, it is told and nothing is kept."""
        self._writer.prove()

    def flush(self) -> None:
        """Waits until what has happened so far is written, or cannot be."""
        self._writer.flush()

    @property
    def keeping(self) -> bool:
        """Whether runs are being kept; False once the file could not be written to."""
        return not self._writer.broken

    def close(self) -> None:
        """Writes what is not yet written. The store can be used again afterwards."""
        self._writer.close()

    def runs(
        self, limit: int | None = None, *, owner: str | None = None, before: str | None = None
    ) -> list[RunRecord]:
        """The latest runs, the newest first; errors as for `run`.

        Args:
            limit: How many; None for all.
            owner: Only those of this owner; None for everybody's.
            before: Only those that began before the run of this id; none where it is not kept.
        """
        with self._reading() as database:
            return reading.runs(database, limit, owner, before) if database else []

    def run(self, id: str) -> RunRecord:
        """One run, by its id, the beginning of it, or `last` for the newest.

        Raises:
            StoreError: There is no such run, several begin so, or the file cannot be read.
        """
        with self._reading() as database:
            if database is None:
                raise UnknownRun(f"no run is kept in {self.path}")
            return reading.find(database, id)

    def conversation(self, id: str) -> list[RunRecord]:
        """The runs of a conversation, by its id or the beginning of it, the oldest first.

        A turn that failed, was asked again or was taken back is among them. Empty where there is
        no such conversation.

        Raises:
            StoreError: Several conversations begin so, or the file cannot be read.
        """
        with self._reading() as database:
            return reading.of_conversation(database, id) if database else []

    def events(self, id: str) -> Iterator[Event]:
        """The events of a run, in order; arguments and errors as for `run`."""
        return map(from_json, self.lines(id))

    def lines(self, id: str) -> list[str]:
        """The events of a run as the lines of JSON that `council run --events` prints."""
        run = self.run(id)
        with self._reading() as database:
            return list(reading.lines(database, run.id)) if database else []

    def requests(self, id: str) -> list[RecordedRequest]:
        """The requests of a run, in order; arguments and errors as for `run`."""
        run = self.run(id)
        with self._reading() as database:
            return reading.requests(database, run.id) if database else []

    def replies(self, id: str) -> list[RecordedReply]:
        """What became of each request of a run; arguments and errors as for `run`."""
        run = self.run(id)
        with self._reading() as database:
            return reading.replies(database, run.id) if database else []

    def vectors(self, id: str) -> list[RecordedVector]:
        """The vectors of the texts that a run compared; arguments and errors as for `run`."""
        run = self.run(id)
        with self._reading() as database:
            return reading.vectors(database, run.id) if database else []

    def search(self, text: str, limit: int = 20) -> list[Hit]:
        """The places where all words of a text stand, in questions, answers and replies.

        Raises:
            StoreError: The file cannot be read.
        """
        with self._reading() as database:
            return search.search(database, text, limit) if database else []

    def delete(self, id: str) -> RunRecord:
        """Deletes one run for good; arguments and errors as for `run`."""
        run = self.run(id)
        self._delete("id = ?", run.id)
        return run

    def delete_older(self, seconds: float) -> int:
        """Deletes the runs that began longer ago; returns how many. Errors as for `runs`."""
        return self._delete("started < ?", time.time() - seconds)

    def _delete(self, condition: str, value: str | float) -> int:
        with self._reading() as database:
            if database is None:
                return 0
            database.execute("BEGIN IMMEDIATE")
            count = database.execute(f"DELETE FROM runs WHERE {condition}", (value,)).rowcount
            database.execute(
                "DELETE FROM bodies WHERE fingerprint NOT IN (SELECT fingerprint FROM requests)"
            )
            database.execute(
                "DELETE FROM vectors WHERE fingerprint NOT IN (SELECT vector FROM embeddings)"
            )
            search.forget(database)
            database.execute("COMMIT")
            # The log still holds what was deleted.
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return count

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """The open file, None where there is none yet."""
        self._writer.flush()
        if not self.path.exists():
            yield None
            return
        try:
            with closing(open_database(self.path, create=False, patience=_PATIENCE)) as database:
                yield database
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{self.path}: {error}: --store names another file") from error
