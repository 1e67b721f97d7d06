"""Queries over the record."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from council.errors import StoreError, UnknownRun
from council.messages import Usage
from council.store.choices import tokens_of
from council.store.panel_record import PANEL
from council.store.records import RecordedReply, RecordedRequest, RecordedVector, RunRecord
from council.store.statements import FAILURE, LIMITS, MESSAGES, PLACE, USAGE
from council.store.vectors import unpacked

_RUNS = (
    "SELECT id, status, pid, started, ended, question, answer, usage, seed, conversation, panel,"
    " fingerprint, strategy, options, limits, source, config, origin, parent, place, owner"
    " FROM runs"
)
_LATEST = "ORDER BY started DESC, number DESC"


def runs(
    database: sqlite3.Connection,
    limit: int | None,
    owner: str | None = None,
    before: str | None = None,
) -> list[RunRecord]:
    """The latest runs, the newest first; of an owner, or begun before a run, where one is given."""
    conditions, values = ["TRUE"], list[str | int]()
    if owner is not None:
        conditions.append("owner = ?")
        values.append(owner)
    if before is not None:
        conditions.append("(started, number) < (SELECT started, number FROM runs WHERE id = ?)")
        values.append(before)
    query = f"{_RUNS} WHERE {' AND '.join(conditions)} {_LATEST} LIMIT ?"
    rows = database.execute(query, (*values, -1 if limit is None else limit))
    return [_run(row) for row in rows]


def of_conversation(database: sqlite3.Connection, id: str) -> list[RunRecord]:
    """The runs of the conversation of that id, or of one that begins so, the oldest first.

    Raises:
        StoreError: Several conversations begin so.
    """
    query = f"{_RUNS} WHERE talk <> '' AND substr(talk, 1, ?) = ? ORDER BY started, number"
    found = [_run(row) for row in database.execute(query, (len(id), id))] if id else []
    talks = sorted({run.place.conversation for run in found if run.place})
    if len(talks) > 1:
        known = ", ".join(talk[: len(id) + 4] for talk in talks[:3])
        raise StoreError(f"several conversations begin with {id!r} ({known}): give more of the id")
    return found


def find(database: sqlite3.Connection, id: str) -> RunRecord:
    """The run of that id, or of an id that begins so; `last` for the newest.

    Raises:
        StoreError: There is none, or more than one.
    """
    if id == "last":
        found = runs(database, 1)
        if not found:
            raise UnknownRun("no run is kept yet")
        return found[0]
    query = f"{_RUNS} WHERE substr(id, 1, ?) = ? {_LATEST} LIMIT 4"
    found = [_run(row) for row in database.execute(query, (len(id), id))] if id else []
    if not found:
        raise UnknownRun(f"no run {id!r} is kept: see council logs list")
    if len(found) > 1:
        known = ", ".join(run.id[: len(id) + 4] for run in found[:3])
        raise UnknownRun(f"several runs begin with {id!r} ({known}, …): give more of the id")
    return found[0]


def lines(database: sqlite3.Connection, id: str) -> Iterator[str]:
    """The events of a run, a line of JSON each, in order."""
    query = "SELECT lines FROM events JOIN runs ON runs.number = run WHERE id = ? ORDER BY first"
    for (joined,) in database.execute(query, (id,)):
        yield from joined.split("\n")


def requests(database: sqlite3.Connection, id: str) -> list[RecordedRequest]:
    """All requests of a run, in the order in which the panel meant to ask."""
    query = (
        "SELECT requests.number, expert, requests.fingerprint, body FROM requests"
        " JOIN bodies USING (fingerprint) JOIN runs ON runs.number = run"
        " WHERE id = ? ORDER BY requests.number"
    )
    return [RecordedRequest(*row) for row in database.execute(query, (id,))]


def replies(database: sqlite3.Connection, id: str) -> list[RecordedReply]:
    """What became of each request of a run."""
    # Rows are added in the order in which replies ended.
    query = (
        "SELECT requests.number, expert, requests.fingerprint, tokens, failure, replies.rowid"
        " FROM requests JOIN runs ON runs.number = requests.run"
        " LEFT JOIN replies ON replies.run = requests.run AND replies.number = requests.number"
        " WHERE id = ? ORDER BY requests.number"
    )
    rows = database.execute(query, (id,)).fetchall()
    ended = {row: place for place, row in enumerate(sorted(r[-1] for r in rows if r[-1]))}
    return [
        RecordedReply(
            number,
            expert,
            fingerprint,
            tokens_of(tokens) if tokens else (),
            FAILURE.validate_json(failure) if failure else None,
            ended.get(row),
        )
        for number, expert, fingerprint, tokens, failure, row in rows
    ]


def vectors(database: sqlite3.Connection, id: str) -> list[RecordedVector]:
    """The vectors of a run's texts."""
    query = (
        "SELECT model, space, text, vectors.vector, tokens, estimated FROM embeddings"
        " JOIN vectors ON vectors.fingerprint = embeddings.vector JOIN runs ON runs.number = run"
        " WHERE id = ? ORDER BY embeddings.rowid"
    )
    return [
        RecordedVector(model, space, text, unpacked(data), Usage(tokens, estimated=bool(estimated)))
        for model, space, text, data, tokens, estimated in database.execute(query, (id,))
    ]


def _run(row: tuple[Any, ...]) -> RunRecord:
    (id, status, pid, started, ended, question, answer, usage, seed, conversation,
     panel, fingerprint, strategy, options, limits, source, config, origin, parent,
     place, owner) = row  # fmt: skip
    return RunRecord(
        id=id,
        status=status,
        pid=pid,
        started=started,
        ended=ended,
        question=question,
        answer=answer,
        usage=USAGE.validate_json(usage),
        seed=int(seed),
        conversation=MESSAGES.validate_json(conversation),
        panel=PANEL.validate_json(panel),
        fingerprint=fingerprint,
        strategy=strategy,
        options=options,
        limits=LIMITS.validate_json(limits),
        source=source,
        config=json.loads(config),
        origin=origin,
        parent=parent,
        place=PLACE.validate_json(place),
        owner=owner,
    )
