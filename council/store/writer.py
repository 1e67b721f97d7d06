"""The thread that writes: the event loop hands over, this one waits for disks and locks."""

from __future__ import annotations

import atexit
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from council.errors import StoreError
from council.store.database import open_database
from council.store.recording import Recording
from council.store.records import Head
from council.store.statements import Script, Statement

INTERVAL = 0.1
"""Seconds for which tokens may wait; all else is written at once."""

PATIENCE = 5.0
"""Seconds for which another process may hold the file before that is told."""

_LAST_PATIENCE = 2.0
# For a disk that does not answer: the thread is left behind then.
_LONGEST_CLOSING = 10.0
# One try waits no longer than this, so that closing need not wait for PATIENCE to pass.
_TRY = 0.25
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class Writer:
    """Writes what recordings hand over, in transactions that are never far apart.

    While another process holds the file nothing is lost: the same transaction is tried again. Any
    other failure (a full disk, a folder that cannot be written to) is told once and ends the
    record; the runs go on.

    Args:
        path: The file.
        warn: Told once, in the writer's thread, that runs are not kept and why.
    """

    def __init__(self, path: Path, warn: Callable[[str], object]) -> None:
        self._path = path
        self._tell = warn
        self._scripts: dict[Script, None] = {}
        self._asked_for: deque[threading.Event] = deque()
        self._wake = threading.Event()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing_until: float | None = None
        # What follows belongs to the thread.
        self._database: sqlite3.Connection | None = None
        self._statements: list[Statement] = []
        self._reached: list[threading.Event] = []
        self._held_since: float | None = None
        self.broken = False
        """Whether the record has ended for a failure."""
        self._warned = False

    def record(self, head: Head) -> Recording:
        """Begins the record of a run."""
        with self._guard:
            if self._thread is None or not self._thread.is_alive():
                self._closing_until = None
                # A daemon: a disk that hangs must not keep the process.
                self._thread = threading.Thread(
                    target=self._work, name="council-store", daemon=True
                )
                self._thread.start()
                # For whoever forgets to close: a daemon's last words would be cut off.
                atexit.register(self.close)
        script = Script(head, self._warn)
        self._scripts[script] = None
        # A list for each run: an event's way there is one call that cannot fail or wait.
        return Recording(script.items.append, self._wake.set)

    def prove(self) -> None:
        """Opens the file once, before there is anything to write; where it cannot be, tells so."""
        try:
            open_database(self._path, create=True, patience=_TRY).close()
        except Exception as error:
            if not _is_locked(error):
                self._give_up(error)

    def flush(self, seconds: float = PATIENCE) -> bool:
        """Waits until all that was handed over is written, or given up.

        Returns:
            False when that took longer than `seconds`.
        """
        if self._thread is None or not self._thread.is_alive():
            return True
        reached = threading.Event()
        self._asked_for.append(reached)
        self._wake.set()
        return reached.wait(seconds)

    def close(self) -> None:
        """Writes what there is and ends the thread; waits a little where the file is held."""
        with self._guard:
            if self._thread is None or not self._thread.is_alive():
                return
            atexit.unregister(self.close)
            self._closing_until = time.monotonic() + _LAST_PATIENCE
            self._wake.set()
            self._thread.join(_LONGEST_CLOSING)

    def _work(self) -> None:
        # Before there is anything to write: making the file takes longer than all that follows.
        with suppress(Exception):  # the first transaction meets it again, and tells
            self._connected()
        while True:
            self._wake.wait(INTERVAL if self._scripts or self._statements else None)
            self._wake.clear()
            # Asked first: what was handed over before the closing is then taken by this turn.
            closing = self._closing_until is not None
            self._take()
            self._write()
            if closing and not self._statements:
                break
        if self._database is not None:
            self._database.close()
            self._database = None

    def _take(self) -> None:
        """Makes statements of all that was handed over, run by run."""
        # Before the items: what was there when a flush began is among them.
        while self._asked_for:
            self._reached.append(self._asked_for.popleft())
        for script in list(self._scripts):
            made = script.statements()
            if not self.broken:
                self._statements += made
            if script.closed:
                self._scripts.pop(script, None)

    def _write(self) -> None:
        try:
            if self._statements and not self.broken:
                self._commit()
            self._held_since = None
        except Exception as error:
            # Whatever it is, it must end neither the thread unsaid nor any run.
            if _is_locked(error) and self._worth_waiting():
                return
            self._give_up(error)
        self._statements.clear()
        for reached in self._reached:
            reached.set()
        self._reached.clear()

    def _commit(self) -> None:
        database = self._connected()
        database.execute("BEGIN IMMEDIATE")
        try:
            for sql, values in self._statements:
                database.execute(sql, values)
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

    def _connected(self) -> sqlite3.Connection:
        if self._database is None:
            self._database = open_database(self._path, create=True, patience=_TRY)
        return self._database

    def _worth_waiting(self) -> bool:
        """Whether to try again later; says so once when somebody holds the file for long."""
        now = time.monotonic()
        self._held_since = self._held_since or now
        if self._closing_until is not None:
            return now < self._closing_until
        if now - self._held_since > PATIENCE:
            self._warn(f"{self._path}: another process holds the file; still trying")
        return True

    def _give_up(self, error: Exception) -> None:
        self.broken = True
        self._warn(str(error) if isinstance(error, StoreError) else f"{self._path}: {error}")

    def _warn(self, reason: str) -> None:
        if not self._warned:
            self._warned = True
            self._tell(f"not kept: {reason} (--store names another file, --no-store keeps nothing)")


def _is_locked(error: Exception) -> bool:
    return isinstance(error, sqlite3.Error) and error.sqlite_errorcode & 0xFF in _LOCKED
