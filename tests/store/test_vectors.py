"""Vectors in the record: no text is embedded twice by runs that go back to one another."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import council
from council.agents.embedder import Embedded
from council.agents.embeddings import HTTPEmbedder
from council.agents.scripted import Script, ScriptedAgent
from council.errors import StoreError, TransportError
from council.expert import Expert
from council.limits import RunLimits
from council.messages import Usage
from council.rerun import redecided, resumed
from council.result import Result
from council.sources import StrategySource
from council.store.items import Embeddings, Vector
from council.store.panel_record import PanelRecord
from council.store.records import Head
from council.store.statements import Script as RowScript
from council.store.store import Store
from council.store.vectors import packed, shares, space_of, unpacked

pytestmark = pytest.mark.anyio

SEMANTIC: dict[str, Any] = {
    "name": "vote",
    "extract": {"kind": "semantic", "threshold": 0.9},
}


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "runs.sqlite3") as store:
        yield store


class Letters:
    """An embedder that counts letters in tenths, which no float holds exactly."""

    def __init__(self, model: str = "letters", **extra: Any) -> None:
        self.model = model
        self.extra = extra
        self.calls: list[list[str]] = []

    async def embed(self, texts: Sequence[str]) -> Embedded:
        self.calls.append(list(texts))
        vectors = tuple(tuple(text.count(letter) / 10 for letter in "abxyz") for text in texts)
        return Embedded(vectors, Usage(prompt_tokens=7 * len(texts)))

    async def aclose(self) -> None:
        """Holds nothing."""


def seats(*scripts: Script) -> list[Expert]:
    return [
        Expert(id, ScriptedAgent(id, script)) for id, script in zip("pqrs", scripts, strict=False)
    ]


async def ask(
    store: Store, experts: list[Expert], embedder: Letters, strategy: StrategySource = SEMANTIC
) -> Result:
    async with council.open_council(experts, store=store) as opened:
        opened.embedder = embedder
        async with opened.stream("Why?", strategy=strategy, seed=3) as run:
            async for _ in run:
                pass
    return run.result


async def anew(store: Store, strategy: StrategySource = SEMANTIC, **more: Any) -> Result:
    async with redecided(store, "last", strategy, **more) as run:
        async for _ in run:
            pass
    if run.error is not None:
        raise run.error
    return run.result


async def test_deciding_anew_embeds_nothing(store: Store) -> None:
    embedder = Letters()
    before = await ask(store, seats("aab", "xyz", "aba", "aba"), embedder)
    assert embedder.calls == [["aab", "xyz", "aba"]]
    # Twice: the new run's record holds the vectors as well.
    for _ in range(2):
        after = await anew(store)
        assert (after.votes, after.usage) == (before.votes, before.usage)
    assert after.votes is not None
    assert [len(position.experts) for position in after.votes.positions] == [3, 1]
    assert len(embedder.calls) == 1


async def test_a_debate_that_is_decided_anew_embeds_nothing(store: Store) -> None:
    embedder = Letters()
    debate = {"name": "debate", "converge": "semantic", "threshold": 0.99, "max_rounds": 1}
    experts = [
        Expert("p", ScriptedAgent("p", "aab", "xxx")),
        Expert("q", ScriptedAgent("q", "xyz", "xxy")),
    ]
    before = await ask(store, experts, embedder, debate)
    calls = len(embedder.calls)
    after = await anew(store, debate)
    likeness = [held.similarity for held in after.rounds]
    assert likeness == [held.similarity for held in before.rounds]
    assert None not in likeness
    assert len(likeness) == calls == len(embedder.calls) == 2


async def test_what_the_record_holds_needs_no_embedder(store: Store) -> None:
    await ask(store, seats("aab", "xyz", "zzz"), Letters())
    # A panel made in Python has none here.
    async with resumed(store, "last", panel=seats("", "", "")) as run:
        async for _ in run:
            pass
    assert (run.error, run.result.status) == (None, "complete")
    await ask(store, seats("aab", "xyz", TransportError("down")), Letters())
    async with resumed(store, "last", panel=seats("", "", "zzz")) as run:
        async for _ in run:
            pass
    assert "the panel has no `embedder` any more" in str(run.error)


async def test_vectors_are_kept_once_and_as_32_bits(store: Store) -> None:
    for _ in range(2):
        await ask(store, seats("aab", "xyz", "xzy"), Letters())
    kept = store.vectors("last")
    assert kept[0].vector == unpacked(packed((0.2, 0.1, 0.0, 0.0, 0.0)) or b"")
    # xyz and xzy have the same vector.
    assert [len({each.text for each in kept}), len({each.vector for each in kept})] == [3, 2]
    with closing(sqlite3.connect(store.path)) as database:
        sizes = database.execute("SELECT length(vector) FROM vectors").fetchall()
        assert sizes == [(5 * 4,)] * 2
        assert database.execute("SELECT count(*) FROM embeddings").fetchone() == (6,)


async def test_a_run_compares_what_its_record_holds(store: Store) -> None:
    # At the very threshold, where a rounded vector may be on the other side.
    exact = {**SEMANTIC, "extract": {"kind": "semantic", "threshold": 0.8}}
    before = await ask(store, seats("aaaabbb", "aaaa"), Letters(), exact)
    assert (await anew(store, exact)).votes == before.votes


async def test_vectors_go_with_their_runs(store: Store) -> None:
    first = await ask(store, seats("aab", "xyz"), Letters())
    await ask(store, seats("aab", "zzz"), Letters())
    store.delete(first.run_id)
    with closing(sqlite3.connect(store.path)) as database:
        assert database.execute("SELECT count(*) FROM vectors").fetchone() == (2,)
    store.delete("last")
    with closing(sqlite3.connect(store.path)) as database:
        for table in ("vectors", "embeddings"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


async def test_a_record_without_vectors_says_so(store: Store) -> None:
    await ask(store, seats("aab", "xyz"), Letters(), "concat")
    with pytest.raises(council.StrategyError, match=r"vote wants to ask embedder something.*--ask"):
        await anew(store)


async def test_who_can_do_without_vectors_does(store: Store) -> None:
    await ask(store, seats("aab", "xyz", "I don't know."), Letters())
    # Not knowing has no vector, and a debate on positions only tells how alike answers are: what
    # it lacks are the experts of the next round.
    with pytest.raises(council.StrategyError, match=r"debate wants to ask [pqr] something"):
        await anew(store, "debate")
    semantic = {"name": "debate", "converge": "semantic"}
    with pytest.raises(council.StrategyError, match=r"debate wants to ask embedder something"):
        await anew(store, semantic)


async def test_an_embedder_that_is_another_one_is_not_mixed_in(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask(store, seats("aab", "xyz"), Letters())
    again = seats("aab", "xyz")
    for other in (Letters("others"), Letters(dimensions=2)):
        _every_council_embeds_with(other, monkeypatch)
        with pytest.raises(StoreError, match=r"embedder has changed since run .*--anyway"):
            await anew(store, ask=True, panel=again)
        result = await anew(store, ask=True, panel=again, anyway=True, keep=False)
        assert result.status == "complete"
        assert other.calls == [["aab", "xyz"]]
    same = Letters()
    _every_council_embeds_with(same, monkeypatch)
    await anew(store, ask=True, panel=again)
    assert same.calls == []


def _every_council_embeds_with(embedder: Letters, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a panel file's `embedder` would, for panels made in Python."""
    made = council.Council.__init__

    def with_embedder(self: council.Council, *args: Any, **more: Any) -> None:
        made(self, *args, **more)
        self.embedder = embedder

    monkeypatch.setattr(council.Council, "__init__", with_embedder)


def test_a_vector_of_a_secret_is_not_kept() -> None:
    secret = 'key-"0123456789'
    head = Head((), PanelRecord((), ()), "vote", {}, RunLimits(), secrets=(secret,))
    script = RowScript(head, pytest.fail)
    vectors = [Vector(text, (1.0,), Usage()) for text in (f"It is {secret}.", "It is 42.")]
    script.items.append(Embeddings("m", "space", vectors))
    assert [sql.split()[4] for sql, _ in script.statements()] == ["vectors", "embeddings"]


def test_what_32_bits_cannot_hold_is_not_kept() -> None:
    assert packed((1e300,)) is None
    script = RowScript(Head((), PanelRecord((), ()), "vote", {}, RunLimits()), pytest.fail)
    script.items.append(Embeddings("m", "space", [Vector("text", (1e300,), Usage())]))
    assert script.statements() == []


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_what_is_packed_comes_back(vector: list[float]) -> None:
    data = packed(vector)
    assert data is not None
    assert unpacked(data) == tuple(vector)


@given(st.lists(st.text()), st.integers(0, 10**6))
def test_shares_add_up(texts: list[str], tokens: int) -> None:
    parts = shares(Usage(tokens, estimated=True), texts)
    assert len(parts) == len(texts)
    assert all(part.estimated and part.prompt_tokens >= 0 for part in parts)
    if any(texts):
        assert sum(part.prompt_tokens for part in parts) == tokens


def test_the_space_is_the_model_and_what_is_asked_of_it() -> None:
    agent = ScriptedAgent("e", "", model="e5")
    plain, small = HTTPEmbedder(agent), HTTPEmbedder(agent, {"dimensions": 2})
    assert space_of(plain) == space_of(HTTPEmbedder(agent, {}))
    assert space_of(plain) != space_of(small)
    assert space_of(Letters("e5")) == space_of(plain)
