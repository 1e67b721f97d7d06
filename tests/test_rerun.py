"""Going back to a kept run from Python."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

import council
from council.agents.scripted import ScriptedAgent
from council.errors import ConfigError, StoreError, TransportError
from council.expert import Expert
from council.messages import ChatMessage, Sampling
from council.panel import Panel
from council.rerun import redecided, resumed
from council.result import Result
from council.sources import StrategySource
from council.store.store import Store
from council.strategies import Decision, Strategy
from council.structured import ResponseFormat

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "runs.sqlite3") as store:
        yield store


def panel() -> list[Expert]:
    """Two who answer and one who fails at first."""
    return [
        Expert("ada", ScriptedAgent("ada", "It is 42."), persona="You count.", samples=2),
        Expert("bob", ScriptedAgent("bob", "It is 41."), sampling=Sampling(stop=("x",)), weight=3),
        Expert("cyd", ScriptedAgent("cyd", TransportError("down"), "It is 42.")),
    ]


def asked(seats: list[Expert]) -> list[int]:
    """How often each agent was asked."""
    return [len(seat.agent.requests) for seat in seats if isinstance(seat.agent, ScriptedAgent)]


async def ask(store: Store, seats: list[Expert], strategy: StrategySource = "vote") -> Result:
    conversation = [
        ChatMessage("user", "Hello."),
        ChatMessage("assistant", "Hello!"),
        ChatMessage("user", "How many?"),
    ]
    async with (
        council.open_council(seats, store=store) as opened,
        opened.stream(conversation, strategy=strategy, seed=3) as run,
    ):
        async for _ in run:
            pass
    return run.result


async def test_resuming_asks_those_alone_who_had_failed(store: Store) -> None:
    seats = panel()
    before = await ask(store, seats)
    assert (before.status, asked(seats)) == ("degraded", [2, 1, 1])
    async with resumed(store, before.run_id, panel=seats) as run:
        async for _ in run:
            pass
    assert (run.result.status, asked(seats)) == ("complete", [2, 1, 2])
    assert run.result.experts[0].text == before.experts[0].text
    record = store.run(run.id)
    assert (record.parent, record.seed) == (before.run_id, 3)
    assert record.conversation[0].text == "Hello."
    # The record of the new run holds all of its replies.
    async with resumed(store, run.id, panel=seats) as again:
        async for _ in again:
            pass
    assert asked(seats) == [2, 1, 2]
    assert again.result.answer == run.result.answer


async def test_a_panel_made_in_python_has_to_be_given_again(store: Store) -> None:
    before = await ask(store, panel())
    with pytest.raises(StoreError, match="a panel made in Python"):
        async with resumed(store, before.run_id):
            pass
    others = [*panel()[:2], Expert("dan", ScriptedAgent("dan", "?"))]
    with pytest.raises(StoreError, match=r"the panel: changed since run .* in experts: pass --any"):
        async with resumed(store, before.run_id, panel=others):
            pass


class Mine(Strategy):
    name = "mine"

    async def decide(self, panel: Panel) -> Decision:
        replies = await panel.ask_all()
        return Decision(f"{len(replies)} replies")


async def test_a_strategy_made_in_python_has_to_be_given_again(store: Store) -> None:
    seats = panel()
    before = await ask(store, seats, Mine())
    with pytest.raises(StoreError, match="'mine', a strategy made in Python"):
        async with resumed(store, before.run_id, panel=seats):
            pass
    async with resumed(store, before.run_id, panel=seats, strategy=Mine()) as run:
        async for _ in run:
            pass
    assert run.result.answer == "4 replies"


async def test_deciding_anew_asks_nobody(store: Store) -> None:
    seats = panel()
    before = await ask(store, seats, "concat")
    async with redecided(store, before.run_id, "vote", keep=False) as run:
        async for _ in run:
            pass
    # Weights and samples are those of then: bob's 3 beat ada's 1, shared by two samples.
    assert (run.result.answer, run.result.status) == ("It is 41.", "degraded")
    assert len(run.result.experts) == 4
    assert "cyd: in the record of run" in run.result.reasons[0]
    assert asked(seats) == [2, 1, 1]
    assert len(store.runs()) == 1


async def test_deciding_anew_goes_back_to_those_who_were_asked(store: Store) -> None:
    seats = panel()
    before = await ask(store, seats, "concat")
    whole = [before.run_id[:8]]
    for strategy in ("first", "first", "vote", "concat"):
        async with redecided(store, "last", strategy) as run:
            async for _ in run:
                pass
        assert run.error is None
        assert store.run("last").parent == store.runs()[1].id
    # `first` waited for one reply alone, and yet nobody is lost.
    assert run.result.answer == before.answer
    assert [reply.text for reply in run.result.experts] == [r.text for r in before.experts]
    assert run.result.reasons == (f"cyd: in the record of run {whole[0]} this reply failed: down",)
    assert asked(seats) == [2, 1, 1]


async def test_deciding_anew_keeps_what_was_asked_on_the_way(store: Store) -> None:
    seats = panel()[:2]
    await ask(store, seats, "concat")
    async with redecided(store, "last", "synthesize", ask=True, panel=seats) as run:
        async for _ in run:
            pass
    assert run.error is None
    written, counts = run.result.answer, asked(seats)
    assert sum(counts) == 4
    async with redecided(store, "last", "first") as run:
        async for _ in run:
            pass
    async with redecided(store, "last", "synthesize") as run:
        async for _ in run:
            pass
    assert (run.error, run.result.answer, asked(seats)) == (None, written, counts)


async def test_what_must_not_be_asked_is_said_each_time(store: Store) -> None:
    before = await ask(store, panel()[:2], "concat")
    for _ in range(2):
        async with redecided(store, "last", "synthesize") as run:
            async for _event in run:
                pass
        assert "does not hold: --ask asks it" in str(run.error)
    # Without the run that asked there is what the later ones hold.
    store.delete(before.run_id)
    async with redecided(store, "last", "concat") as run:
        async for _event in run:
            pass
    assert run.result.answer == before.answer


async def test_a_strategy_that_does_not_exist(store: Store) -> None:
    before = await ask(store, panel())
    with pytest.raises(ConfigError, match="unknown strategy"):
        async with redecided(store, before.run_id, "vot"):
            pass


class City(BaseModel):
    # Servers are told the class's name, which is not the schema's title here.
    model_config = ConfigDict(title="A city!")
    name: str
    people: int


class Odd(BaseModel):
    """Its schema is one that only pydantic can check."""

    model_config = ConfigDict(json_schema_extra={"patternProperties": {"x": {}}})
    name: str


# Not in the order of the alphabet: the prompt holds it in its own.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {"people": {"type": "integer"}, "name": {"type": "string"}},
}
OSLO = '{"name": "Oslo", "people": 709037}'
VALUE = {"name": "Oslo", "people": 709037}


def cities() -> list[Expert]:
    """One who is told in words, one whose server takes a schema, and one who fails at first."""
    return [
        Expert("ada", ScriptedAgent("ada", OSLO), persona="You count."),
        Expert("bob", ScriptedAgent("bob", OSLO), takes_schema=True),
        Expert("cyd", ScriptedAgent("cyd", TransportError("down"), OSLO)),
    ]


async def ask_for_city(store: Store, seats: list[Expert], form: ResponseFormat) -> str:
    result = await council.ask("Where?", panel=seats, response_format=form, store=store)
    assert result.parsed is not None
    assert asked(seats) == [1, 1, 1]
    return result.run_id


@pytest.mark.parametrize("form", [SCHEMA, City], ids=["schema", "model"])
async def test_deciding_anew_keeps_the_form(store: Store, form: ResponseFormat) -> None:
    seats = cities()
    id = await ask_for_city(store, seats, form)
    # And once more from the new run's own record.
    for parent in (id, "last"):
        async with redecided(store, parent, "vote") as run:
            async for _ in run:
                pass
        assert (run.error, run.result.parsed) == (None, VALUE)
        assert len(run.result.reasons) == 1  # cyd failed then
    assert asked(seats) == [1, 1, 1]
    record = store.run("last").panel
    assert record.form == store.run(id).panel.form
    assert [seat.takes_schema for seat in record.experts] == [False, True, False]


@pytest.mark.parametrize("form", [SCHEMA, City], ids=["schema", "model"])
async def test_resuming_needs_no_form(store: Store, form: ResponseFormat) -> None:
    seats = cities()
    id = await ask_for_city(store, seats, form)
    for parent in (id, "last"):
        async with resumed(store, parent, panel=seats) as run:
            async for _ in run:
                pass
        assert (run.result.status, run.result.parsed) == ("complete", VALUE)
        assert asked(seats) == [1, 1, 2]


async def test_a_model_that_is_given_again_is_what_the_answer_becomes(store: Store) -> None:
    seats = cities()
    id = await ask_for_city(store, seats, City)
    async with resumed(store, id, panel=seats, response_format=City) as run:
        async for _ in run:
            pass
    assert (run.result.parsed, asked(seats)) == (City(**VALUE), [1, 1, 2])
    async with redecided(store, id, "first", response_format=City) as run:
        async for _ in run:
            pass
    assert run.result.parsed == City(**VALUE)


async def test_another_form_is_a_change(store: Store) -> None:
    seats = cities()
    plain = (await council.ask("Where?", panel=cities(), store=store)).run_id
    id = await ask_for_city(store, seats, SCHEMA)
    for parent, form in ((id, City), (plain, SCHEMA)):
        with pytest.raises(StoreError, match="in answer_schema: pass --anyway"):
            async with resumed(store, parent, panel=seats, response_format=form):
                pass
    async with resumed(store, id, panel=seats, response_format=City, anyway=True) as run:
        async for _ in run:
            pass
    # Nobody had been asked that.
    assert asked(seats) == [2, 2, 2]


async def test_a_form_that_only_python_can_check(store: Store) -> None:
    seats = cities()
    id = await ask_for_city(store, seats, Odd)
    complaint = r"the form of 'Odd', a model made in Python: .*\(response_format=…\): .*patternProp"
    with pytest.raises(StoreError, match=complaint):
        async with resumed(store, id, panel=seats):
            pass
    with pytest.raises(StoreError, match=complaint):
        async with redecided(store, id, "vote"):
            pass
    async with redecided(store, id, "vote", response_format=Odd) as run:
        async for _ in run:
            pass
    assert run.result.parsed == Odd(name="Oslo")
