"""The file: where it is, how it is opened, and how an older one is brought up to date."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from council.errors import StoreError

FILE_NAME = "runs.sqlite3"

_VERSION_1 = """
CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    origin TEXT NOT NULL,
    parent TEXT NOT NULL,
    status TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started REAL NOT NULL,
    ended REAL,
    question TEXT NOT NULL,
    conversation TEXT NOT NULL,
    source TEXT NOT NULL,
    config TEXT NOT NULL,
    panel TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    strategy TEXT NOT NULL,
    options TEXT NOT NULL,
    limits TEXT NOT NULL,
    seed TEXT NOT NULL,
    answer TEXT,
    usage TEXT NOT NULL
);
CREATE INDEX runs_by_start ON runs (started);
-- Lines of JSON, joined by line feeds: a row for each transaction, not for each token.
CREATE TABLE events (
    run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
    first INTEGER NOT NULL,
    lines TEXT NOT NULL,
    PRIMARY KEY (run, first)
);
CREATE TABLE bodies (fingerprint TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE requests (
    run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    expert TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (run, number)
);
CREATE INDEX requests_by_body ON requests (fingerprint);
CREATE TABLE replies (
    run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    tokens TEXT NOT NULL,
    failure TEXT,
    PRIMARY KEY (run, number)
);
-- What a search looks at. AUTOINCREMENT: an id is never used twice, so that the index of words
-- knows by the highest one what is new.
CREATE TABLE texts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
    who TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX texts_by_run ON texts (run);
"""

_VERSION_2 = """
-- `talk` is the id of the conversation that a run belongs to (`conversation` holds messages).
ALTER TABLE runs ADD COLUMN talk TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN place TEXT NOT NULL DEFAULT 'null';
CREATE INDEX runs_by_talk ON runs (talk)
"""

_VERSION_3 = """
-- Equal vectors once, as 32-bit floats. A text is known by its fingerprint.
CREATE TABLE vectors (fingerprint TEXT PRIMARY KEY, vector BLOB NOT NULL);
CREATE TABLE embeddings (
    run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
    model TEXT NOT NULL,
    space TEXT NOT NULL,
    text TEXT NOT NULL,
    vector TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    PRIMARY KEY (run, space, text)
);
CREATE INDEX embeddings_by_vector ON embeddings (vector);
"""

_VERSION_4 = """
-- Whose run it is, where a server keeps its callers apart.
ALTER TABLE runs ADD COLUMN owner TEXT NOT NULL DEFAULT '';
CREATE INDEX runs_by_owner ON runs (owner, started)
"""

MIGRATIONS = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4)
"""The n-th one takes a file from schema version n to n + 1; a released one is never edited."""


def default_path() -> Path:
    """The file that runs are kept in: `COUNCIL_STORE`, or one in the user's data directory."""
    chosen = os.environ.get("COUNCIL_STORE")
    if chosen:
        return store_path(chosen)
    from platformdirs import user_data_path

    return user_data_path("council", appauthor=False) / FILE_NAME


def store_path(given: str | Path) -> Path:
    """The file behind what a user gives: a file, or a folder that holds one."""
    path = Path(given).expanduser()
    return path / FILE_NAME if path.is_dir() else path


def open_database(path: Path, *, create: bool, patience: float) -> sqlite3.Connection:
    """Opens the file, made or brought up to date if need be.

    Args:
        path: The file.
        create: Make it, and its folder, where it is not there.
        patience: Seconds to wait for another process that is writing.

    Raises:
        OSError: The folder or the file cannot be made.
        sqlite3.Error: It cannot be opened, is no database, or stays locked.
        StoreError: A newer council wrote it.
    """
    if create:
        _make(path)
    database = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=patience, isolation_level=None
    )
    try:
        database.execute("PRAGMA foreign_keys = ON")
        # With a write-ahead log this loses nothing when a process is killed, only when the
        # machine is.
        database.execute("PRAGMA synchronous = NORMAL")
        # Deleted runs are to be gone, not merely out of sight.
        database.execute("PRAGMA secure_delete = ON")
        if _version(database) != len(MIGRATIONS):
            database.execute("PRAGMA journal_mode = WAL")
            _migrate(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _make(path: Path) -> None:
    """Makes the folder and the file for their owner alone: questions and answers are private."""
    if not path.parent.is_dir():
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _version(database: sqlite3.Connection) -> int:
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    return version


def _migrate(database: sqlite3.Connection, path: Path) -> None:
    database.execute("BEGIN IMMEDIATE")
    # Asked once more: another process may have been faster.
    version = _version(database)
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path}: a newer council wrote this file (schema {version}, this one knows"
            f" {len(MIGRATIONS)}): update council, or name another file with --store"
        )
    for script in MIGRATIONS[version:]:
        for statement in _statements(script):
            database.execute(statement)
    database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    database.execute("COMMIT")


def _statements(script: str) -> list[str]:
    """A script's statements; `executescript` would end the transaction that holds them together."""
    return [statement for statement in script.split(";") if statement.strip()]
