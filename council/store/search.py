"""Finding runs by what was asked and answered."""

from __future__ import annotations

import sqlite3

from council.store.records import Hit

# Substrings of three characters and more: it finds what LIKE finds, in any language and script,
# without reading everything. SQLite has it from 3.34 on, where FTS5 was compiled in.
_CREATE = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS words USING"
    " fts5(text, content='texts', content_rowid='id', tokenize='trigram')"
)
_CATCH_UP = (
    "INSERT INTO words (rowid, text) SELECT id, text FROM texts WHERE id > (SELECT up_to FROM seen)"
)
_SHORTEST = 3
_AROUND = 60

_HITS = "SELECT runs.id, started, who, texts.text FROM texts JOIN runs ON runs.number = texts.run"
_ORDER = "ORDER BY started DESC, texts.id LIMIT ?"


def search(database: sqlite3.Connection, text: str, limit: int) -> list[Hit]:
    """The places where all of a text's words stand, the newest run first; case does not matter."""
    words = text.split()
    if not words:
        return []
    query, values = _by_index(words) if _indexed(database, words) else _by_reading(words)
    rows = database.execute(f"{_HITS} {query} {_ORDER}", (*values, limit))
    return [Hit(run, started, who, excerpt(found, words[0])) for run, started, who, found in rows]


def forget(database: sqlite3.Connection) -> None:
    """Drops the index, which the next search makes anew: deleted words must not stay in it."""
    database.execute("DROP TABLE IF EXISTS words")
    database.execute("DROP TABLE IF EXISTS seen")


def excerpt(text: str, word: str) -> str:
    """A line of the text around the word's first place."""
    flat = " ".join(text.split())
    at = max(0, flat.lower().find(word.lower()))
    start, end = max(0, at - _AROUND), at + len(word) + _AROUND
    return f"{'…' if start else ''}{flat[start:end]}{'…' if end < len(flat) else ''}"


def _indexed(database: sqlite3.Connection, words: list[str]) -> bool:
    """Brings the index up to date; False where it cannot serve.

    Only a search pays for the index; writing down a run does not.
    """
    if min(map(len, words)) < _SHORTEST:
        return False
    try:
        database.execute("BEGIN IMMEDIATE")
        database.execute("CREATE TABLE IF NOT EXISTS seen (up_to INTEGER NOT NULL)")
        database.execute("INSERT INTO seen SELECT 0 WHERE NOT EXISTS (SELECT * FROM seen)")
        database.execute(_CREATE)
        database.execute(_CATCH_UP)
        database.execute("UPDATE seen SET up_to = (SELECT coalesce(max(id), 0) FROM texts)")
        database.execute("COMMIT")
    except sqlite3.OperationalError:
        # No FTS5, a file that cannot be written, or one that is held: reading serves too.
        if database.in_transaction:
            database.execute("ROLLBACK")
        return False
    return True


def _by_index(words: list[str]) -> tuple[str, list[str]]:
    quoted = " AND ".join('"' + word.replace('"', '""') + '"' for word in words)
    return "WHERE texts.id IN (SELECT rowid FROM words WHERE words MATCH ?)", [quoted]


def _by_reading(words: list[str]) -> tuple[str, list[str]]:
    patterns = [f"%{_escaped(word)}%" for word in words]
    return "WHERE " + " AND ".join(["texts.text LIKE ? ESCAPE '\\'"] * len(words)), patterns


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
