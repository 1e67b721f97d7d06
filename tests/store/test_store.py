"""The store as Python has it: runs by id, the files' modes, deleting, searching, older files."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

import council
from council.agents.scripted import ScriptedAgent
from council.errors import ConfigError, StoreError, TransportError
from council.events import ExpertToken
from council.replies import Failure
from council.store import database, search
from council.store.ages import seconds_of_age
from council.store.database import MIGRATIONS, default_path, open_database
from council.store.store import Store

pytestmark = pytest.mark.anyio


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "folder" / "runs.sqlite3") as store:
        yield store


async def keep(store: Store, question: str, answer: str = "It is 42.") -> str:
    """Keeps a run; returns its id."""
    result = await council.ask(question, panel=[ScriptedAgent("ada", answer)], store=store)
    store.flush()
    return result.run_id


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_run_is_kept_as_it_was(store: Store) -> None:
    panel = [ScriptedAgent("ada", "It is 42."), ScriptedAgent("bob", TransportError("down"))]
    async with (
        council.open_council(panel, store=store) as opened,
        opened.stream("How many?", strategy="concat", seed=7) as run,
    ):
        events = [event async for event in run]
    record = store.run(run.id)
    assert (record.question, record.answer, record.status) == ("How many?", None, "failed")
    assert (record.strategy, record.seed, record.origin) == ("concat", 7, "run")
    assert [seat.id for seat in record.panel.experts] == ["ada", "bob"]
    assert list(store.events(run.id)) == events
    replies = {reply.expert: reply for reply in store.replies(run.id)}
    assert [token.text for token in replies["ada"].tokens] == ["It is 42."]
    assert (replies["bob"].tokens, replies["bob"].failure) == ((), Failure("transport", "down"))
    assert [request.number for request in store.requests(run.id)] == [0, 1]
    assert {request.expert for request in store.requests(run.id)} == {"ada", "bob"}


async def test_a_run_that_is_left_is_interrupted(store: Store) -> None:
    panel = [ScriptedAgent("ada", "one two three")]
    async with council.open_council(panel, store=store) as opened, opened.stream("?") as run:
        async for event in run:
            if isinstance(event, ExpertToken):
                break
    record = store.run(run.id)
    assert (record.status, record.answer) == ("interrupted", None)
    assert record.ended is not None


async def test_a_file_is_closed_where_it_was_opened(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    await council.ask("?", panel=[ScriptedAgent("ada", "yes")], store=path)
    # The log is gone: the last connection has been closed in order.
    assert [file.name for file in tmp_path.iterdir()] == ["runs.sqlite3"]
    assert Store(path).run("last").answer == "yes"


async def test_nothing_is_kept_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNCIL_STORE", str(tmp_path / "runs.sqlite3"))
    await council.ask("?", panel=[ScriptedAgent("ada", "yes")])
    assert list(tmp_path.iterdir()) == []


async def test_only_the_owner_may_look(store: Store) -> None:
    await keep(store, "?")
    folder = store.path.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    # The write-ahead log and its index among them.
    assert [stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()] == [0o600] * 3


async def test_runs_are_found_by_the_beginning_of_their_id(store: Store) -> None:
    with pytest.raises(StoreError, match="no run is kept in"):
        store.run("last")
    ids = [await keep(store, f"question {number}") for number in range(17)]
    assert [run.id for run in store.runs()] == ids[::-1]
    assert [run.id for run in store.runs(limit=2)] == [ids[-1], ids[-2]]
    assert store.run("last").id == ids[-1]
    assert store.run(ids[3][:12]).question == "question 3"
    # 17 ids over 16 digits: two begin alike.
    digit = max("0123456789abcdef", key=lambda d: sum(id.startswith(d) for id in ids))
    with pytest.raises(StoreError, match=f"several runs begin with '{digit}'"):
        store.run(digit)
    for unknown in ("nothing", "", "%"):
        with pytest.raises(StoreError, match="no run"):
            store.run(unknown)


async def test_what_is_deleted_is_gone_from_the_file(store: Store) -> None:
    await keep(store, "Where is the hidden treasure?", "Under the gnarled oak.")
    kept = await keep(store, "What stays?", "This stays.")
    assert store.search("gnarled")
    store.delete(store.runs()[1].id)
    assert [run.id for run in store.runs()] == [kept]
    assert not store.search("gnarled")
    content = b"".join(file.read_bytes() for file in store.path.parent.iterdir())
    assert b"gnarled" not in content
    assert b"treasure" not in content
    assert b"This stays." in content
    assert store.requests(kept)
    with pytest.raises(StoreError, match="no run"):
        store.delete("nothing")


async def test_old_runs_are_deleted_by_their_age(store: Store) -> None:
    old, new = await keep(store, "old?"), await keep(store, "new?")
    with sqlite3.connect(store.path) as other:
        other.execute("UPDATE runs SET started = started - 100 WHERE id = ?", (old,))
    other.close()
    assert store.delete_older(50) == 1
    assert [run.id for run in store.runs()] == [new]


def test_ages() -> None:
    assert seconds_of_age("30d") == 30 * 86_400
    assert seconds_of_age(" 1.5 h ") == 5400
    for wrong in ("30", "d", "-1d", "1y", ""):
        with pytest.raises(ConfigError, match="expected an age like 30d"):
            seconds_of_age(wrong)


TEXTS = ("What is the capital of Japan?", "100% of a_b", "Größe ÄRGER", "日本の首都", 'say "no"')


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("japan", {0}),
        ("CAPITAL japan", {0}),
        ("apita", {0}),
        ("japan nowhere", set()),
        ("100%", {1}),
        ("%", {1}),
        ("a_b", {1}),
        ("axb", set()),
        ("größe", {2}),
        ("の首都", {3}),
        ("首都", {3}),
        ('"no"', {4}),
        ("", set()),
    ],
)
@pytest.mark.parametrize("indexed", [True, False])
async def test_search_finds_the_same_with_and_without_an_index(
    store: Store, words: str, found: set[int], indexed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not indexed:
        # As where SQLite was compiled without FTS5.
        monkeypatch.setattr(search, "_CREATE", "CREATE VIRTUAL TABLE words USING nothing()")
    ids = [await keep(store, text, "ok") for text in TEXTS]
    assert {ids.index(hit.run) for hit in store.search(words)} == found


async def test_the_index_follows(store: Store) -> None:
    assert store.search("first") == []
    await keep(store, "the first", "ok")
    assert len(store.search("first")) == 1
    await keep(store, "the first again", "ok")
    assert len(store.search("first")) == 2
    (hit,) = store.search("again")
    assert (hit.who, hit.excerpt) == ("question", "the first again")


async def test_an_older_file_is_brought_up_to_date(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await keep(store, "from before")
    store.close()
    more = "ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT 'none'"
    monkeypatch.setattr(database, "MIGRATIONS", (*MIGRATIONS, more))
    assert store.run(id).question == "from before"
    opened = open_database(store.path, create=False, patience=1)
    assert opened.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
    assert opened.execute("SELECT note FROM runs").fetchall() == [("none",)]
    opened.close()


async def test_a_newer_file_is_left_alone(store: Store) -> None:
    await keep(store, "from the future")
    store.close()
    with sqlite3.connect(store.path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    before = store.path.read_bytes()
    with pytest.raises(StoreError, match="a newer council wrote this file"):
        store.runs()
    warnings: list[str] = []
    with Store(store.path, on_warning=warnings.append) as newer:
        result = await council.ask("?", panel=[ScriptedAgent("ada", "yes")], store=newer)
    assert result.answer == "yes"
    assert "a newer council" in warnings[0]
    assert store.path.read_bytes() == before


def test_where_the_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNCIL_STORE", str(tmp_path))
    assert default_path() == tmp_path / "runs.sqlite3"
    monkeypatch.setenv("COUNCIL_STORE", str(tmp_path / "mine.db"))
    assert Store().path == tmp_path / "mine.db"
    monkeypatch.setenv("COUNCIL_STORE", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tmp_path in default_path().parents
    assert default_path().parts[-2:] == ("council", "runs.sqlite3")
