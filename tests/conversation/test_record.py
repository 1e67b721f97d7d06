"""The record of a conversation: runs that are linked, gone back to, and gone on with."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncGenerator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import council
from council.agents.scripted import Script, ScriptedAgent
from council.continuing import continued
from council.errors import QuorumLost, StoreError, TransportError
from council.expert import Expert
from council.messages import ChatMessage
from council.place import History, Place
from council.rerun import redecided, resumed
from council.result import Result
from council.run import Run
from council.store import database
from council.store.database import MIGRATIONS, open_database
from council.store.export import as_markdown, run_line
from council.store.store import Store
from council.testing import RawServer, raw_server, whole_reply
from tests.support.kept import Kept

pytestmark = pytest.mark.anyio

JAPAN, ITALY, FRANCE = "What is the capital of Japan?", "And of Italy?", "And of France?"
HISTORIES: list[History] = ["answers", "own"]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "runs.sqlite3") as store:
        yield store


def panel() -> list[Expert]:
    """One asked twice who differs from one question to the next, and one who fails the second."""
    down: Script = TransportError("down")
    return [
        Expert("ada", ScriptedAgent("ada", "Kyoto", "Osaka", "Milan", "Turin", "Nice"), samples=2),
        Expert("bob", ScriptedAgent("bob", "Tokyo", "Rome", "Paris"), weight=3),
        Expert("cyd", ScriptedAgent("cyd", "Tokyo", down, "Rome", "Paris")),
    ]


def agent(seats: list[Expert], place: int) -> ScriptedAgent:
    found = seats[place].agent
    assert isinstance(found, ScriptedAgent)
    return found


def asked(seats: list[Expert]) -> list[int]:
    """How often each agent was asked."""
    return [len(agent(seats, place).requests) for place in range(len(seats))]


def texts(messages: tuple[ChatMessage, ...]) -> list[str]:
    return [message.text for message in messages]


async def finished(run: Run) -> Result:
    async for _ in run:
        pass
    return run.result


async def two_turns(store: Store, seats: list[Expert], history: History) -> list[Result]:
    async with council.open_council(seats, store=store) as opened:
        talk = opened.conversation(history)
        return [await talk.ask(question) for question in (JAPAN, ITALY)]


@pytest.mark.parametrize("history", HISTORIES)
async def test_runs_of_one_conversation_are_linked(store: Store, history: History) -> None:
    first, second = await two_turns(store, panel(), history)
    alone = (await council.ask(FRANCE, panel=panel(), store=store)).run_id
    assert store.run(alone).place is None
    one, two = store.run(first.run_id), store.run(second.run_id)
    assert one.place is not None
    assert two.place is not None
    assert one.place == Place(one.place.conversation, 1, history)
    assert (two.place.conversation, two.place.turn) == (one.place.conversation, 2)
    assert texts(two.conversation) == [JAPAN, "Tokyo", ITALY]
    said = {reply.label: {1: reply.text} for reply in first.experts}
    assert two.place.own == ({} if history == "answers" else said)
    talk = one.place.conversation
    for id in (talk, talk[:6]):
        assert [run.id for run in store.conversation(id)] == [first.run_id, second.run_id]
    assert store.conversation("nothing") == store.conversation("") == []


async def test_ids_of_conversations_that_begin_alike(store: Store) -> None:
    async with council.open_council(panel(), store=store) as opened:
        for _ in range(17):
            await opened.conversation().ask(JAPAN)
    ids = [run.place.conversation for run in store.runs() if run.place]
    digit = max("0123456789abcdef", key=lambda d: sum(id.startswith(d) for id in ids))
    with pytest.raises(StoreError, match=f"several conversations begin with '{digit}'"):
        store.conversation(digit)


@pytest.mark.parametrize("history", HISTORIES)
async def test_resuming_a_turn_asks_the_same(store: Store, history: History) -> None:
    seats = panel()
    _, second = await two_turns(store, seats, history)
    assert (second.status, asked(seats)) == ("degraded", [4, 2, 2])
    for parent in (second.run_id, "last"):
        async with resumed(store, parent, panel=seats) as run:
            result = await finished(run)
        # Whoever had answered was found in the record, each sample with its own history.
        assert (result.status, asked(seats)) == ("complete", [4, 2, 3])
        before, after = (
            [reply.text for reply in each.experts if reply.id == "ada"] for each in (second, result)
        )
        # Samples with one history are asked alike, and then it does not matter which is which.
        assert after == before if history == "own" else sorted(after) == sorted(before)
        assert store.run(run.id).place == store.run(second.run_id).place
    requests = agent(seats, 2).requests
    assert requests[2].messages == requests[1].messages


@pytest.mark.parametrize("history", HISTORIES)
async def test_deciding_a_turn_anew_asks_nobody(store: Store, history: History) -> None:
    seats = panel()
    _, second = await two_turns(store, seats, history)
    async with redecided(store, second.run_id, "concat") as run:
        result = await finished(run)
    assert run.error is None
    texts = [reply.text for reply in second.experts if reply.status == "complete"]
    assert [reply.text for reply in result.experts if reply.status == "complete"] == texts
    assert asked(seats) == [4, 2, 2]


async def test_what_is_said_of_the_history_is_said_again(store: Store) -> None:
    seats = panel()
    async with council.open_council(seats, store=store) as opened:
        talk = opened.conversation("own", max_turns=1)
        for question in (JAPAN, ITALY, FRANCE):
            result = await talk.ask(question)
    notes = (
        "history: the oldest turn was left out (max_turns is 1)",
        "history: in turn 2 the panel's answer stands in for that of cyd",
    )
    assert result.warnings[-2:] == notes
    async with redecided(store, result.run_id, "vote") as run:
        assert (await finished(run)).warnings[-2:] == notes


@pytest.mark.parametrize("history", HISTORIES)
async def test_going_on_with_a_run(store: Store, history: History) -> None:
    seats = panel()
    _, second = await two_turns(store, seats, history)
    async with council.open_council(seats, store=store) as opened:
        talk = await continued(store, second.run_id[:12], opened)
        assert texts(talk.messages) == [JAPAN, "Tokyo", ITALY, "Rome"]
        third = await talk.ask(FRANCE)
        assert talk.undo()
        assert talk.undo() is None
    place = store.run(third.run_id).place
    assert place is not None
    assert (place.turn, place.history) == (3, history)
    assert [run.id for run in store.conversation(place.conversation)][2] == third.run_id
    own = history == "own"
    last = {texts(request.messages)[1] for request in agent(seats, 0).requests[4:]}
    assert last == ({"Kyoto", "Osaka"} if own else {"Tokyo"})
    assert texts(agent(seats, 2).requests[-1].messages) == [JAPAN, "Tokyo", ITALY, "Rome", FRANCE]
    note = "history: in turn 2 the panel's answer stands in for that of cyd"
    assert (note in third.warnings) == own


async def test_going_on_with_a_run_that_was_no_turn(store: Store) -> None:
    given = [ChatMessage("system", "Be brief."), ChatMessage("user", JAPAN)]
    seats = panel()
    async with council.open_council(seats, store=store) as opened:
        alone = await opened.ask(given)
        talk = await continued(store, "last", opened, history="own", max_turns=7)
        assert talk.id == alone.run_id
        await talk.ask(ITALY)
    assert texts(agent(seats, 1).requests[-1].messages) == ["Be brief.", JAPAN, "Tokyo", ITALY]
    place = store.run("last").place
    assert place is not None
    assert (place.conversation, place.turn) == (alone.run_id, 2)
    assert place.own["ada"].keys() == {2}


async def test_there_is_nothing_to_go_on_from(store: Store) -> None:
    async with council.open_council([ScriptedAgent("ada", "I can't help.")], store=store) as opened:
        with pytest.raises(QuorumLost):
            await opened.conversation().ask(JAPAN)
        with pytest.raises(StoreError, match=r"no answer to go on from, it is failed: council res"):
            await continued(store, "last", opened)


async def test_secrets_are_taken_out_of_own_answers(store: Store) -> None:
    key = "a-key-of-some-length"
    async with raw_server(whole_reply(f"Tokyo, and {key}")) as server:
        experts = [{"model": "m", "endpoint": server.url, "api_key": key, "id": "ada"}]
        async with council.open_council({"experts": experts}, store=store) as opened:
            talk = opened.conversation("own")
            await talk.ask(JAPAN)
            await talk.ask(ITALY)
    place = store.run("last").place
    assert place is not None
    assert place.own == {"ada": {1: "Tokyo, and (secret)"}}


async def test_a_run_from_before_conversations_were_kept(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await council.ask(JAPAN, panel=panel(), store=store)
    store.close()
    older = tmp_path / "older.sqlite3"
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", MIGRATIONS[:1])
        with closing(open_database(older, create=True, patience=10)) as opened:
            names = ", ".join(row[1] for row in opened.execute("PRAGMA table_info(runs)"))
            opened.execute("ATTACH ? AS newer", (str(store.path),))
            opened.execute(f"INSERT INTO runs ({names}) SELECT {names} FROM newer.runs")
    with closing(sqlite3.connect(older)) as opened:
        assert opened.execute("PRAGMA user_version").fetchone() == (1,)
    record = Store(older).run("last")
    assert (record.question, record.place) == (JAPAN, None)


async def test_a_turn_is_shown_with_what_was_before(store: Store) -> None:
    await two_turns(store, panel(), "own")
    run = store.run("last")
    assert run.place is not None
    shown = as_markdown(store, run)
    talk = run.place.conversation
    assert f"- conversation: {talk}, turn 2, each expert with its own answers\n" in shown
    before = f"## Before\n\n**user**: {JAPAN}\n\n**assistant**: Tokyo\n\n## Question\n\n{ITALY}\n"
    assert before in shown
    line = json.loads(run_line(run))
    assert line["place"]["own"]["bob"] == {"1": "Tokyo"}
    assert (line["place"]["conversation"], line["place"]["turn"]) == (talk, 2)


@pytest.fixture
async def servers() -> AsyncGenerator[list[RawServer], None]:
    async with raw_server(whole_reply("Tokyo")) as one, raw_server(whole_reply("Kyoto")) as two:
        yield [one, two]


def bodies(server: RawServer) -> list[list[str]]:
    """The texts of the messages of each request."""
    return [
        [message["content"] for message in json.loads(request.body)["messages"]]
        for request in server.requests
    ]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_command_line(servers: list[RawServer], tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    file = kept.panel(*servers)
    assert (await kept.council("run", file, JAPAN)).returncode == 0
    first = kept.store.run("last").id
    done = await kept.council("run", file, ITALY, "--continue", "last")
    assert (done.returncode, done.stdout) == (0, "Tokyo\n")
    done = await kept.council("run", file, FRANCE, "--continue", "last", "--no-store")
    assert done.returncode == 0, done.stderr
    for server in servers:
        assert bodies(server) == [
            [JAPAN],
            [JAPAN, "Tokyo", ITALY],
            [JAPAN, "Tokyo", ITALY, "Tokyo", FRANCE],
        ]
    assert len(kept.store.runs()) == 2
    done = await kept.council("logs", "list")
    assert done.stdout.splitlines()[0].endswith(f"{ITALY}  (turn 2 of {first[:8]})")
    done = await kept.council("logs", "list", "--conversation", first[:8])
    (line,) = done.stdout.splitlines()
    assert line.startswith(kept.store.run("last").id[:8])
    done = await kept.council("logs", "list", "--conversation", "x")
    assert "no run of a conversation 'x' is kept in" in done.stderr
    done = await kept.council("logs", "show", "last")
    assert f"- conversation: {first}, turn 2\n" in done.stdout


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_command_line_has_to_name_a_run(servers: list[RawServer], tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    done = await kept.council("run", kept.panel(*servers), ITALY, "--continue", "last")
    assert (done.returncode, done.stdout) == (2, "")
    assert "council: error: no run is kept in" in done.stderr
    assert "Traceback" not in done.stderr
