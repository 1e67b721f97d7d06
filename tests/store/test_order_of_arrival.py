"""Deciding anew sees replies in the order in which they came, whatever the panel's order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

import council
from council.agents.scripted import Script, ScriptedAgent
from council.errors import CouncilError, TransportError
from council.events import ExpertFailed, ExpertFinished
from council.expert import Expert
from council.limits import RunLimits
from council.messages import ChatRequest
from council.rerun import redecided, resumed
from council.result import Result
from council.run import Run
from council.sources import StrategySource
from council.store.store import Store

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "runs.sqlite3") as store:
        yield store


async def in_order(
    store: Store, said: Mapping[str, str | CouncilError], order: str, *, concurrency: int = 8
) -> None:
    """Records a run of experts that end in that order, each when the one before it has."""
    turns = [anyio.Event() for _ in order]

    def script(id: str) -> Script:
        return lambda request: [turns[order.index(id)].wait, said[id]]

    experts = [Expert(id, ScriptedAgent(id, script(id))) for id in sorted(order)]
    async with council.open_council(experts, store=store) as opened:
        opened.limits = replace(RunLimits(), concurrency=concurrency)
        async with opened.stream("How many?", strategy="concat") as run:
            turns[0].set()
            async for event in run:
                if isinstance(event, ExpertFinished | ExpertFailed):
                    left = [turn for turn in turns if not turn.is_set()]
                    for turn in left[:1]:
                        turn.set()


async def result_of(run: Run) -> tuple[Result, list[str]]:
    """A run's result, and who ended in which order."""
    ended = [event.expert async for event in run if isinstance(event, ExpertFinished)]
    return run.result, ended


async def anew(store: Store, strategy: StrategySource) -> tuple[Result, list[str]]:
    async with redecided(store, "last", strategy, keep=False) as run:
        return await result_of(run)


SAID = {"a": "It is 41.", "b": "It is 41.", "c": "It is 42.", "d": "It is 42.", "e": "It is 42."}


@pytest.mark.parametrize("strategy", ["first", {"name": "first", "hedge_after": 30}])
async def test_the_first_answer_is_the_one_that_came_first(
    store: Store, strategy: StrategySource
) -> None:
    await in_order(store, {id: f"I am {id}." for id in "abc"}, "cab")
    places = {reply.expert: reply.ended for reply in store.replies("last")}
    assert places == {"c": 0, "a": 1, "b": 2}
    result, ended = await anew(store, strategy)
    assert (result.answer, ended) == ("I am c.", ["c"])


async def test_a_failure_that_came_first_is_no_answer(store: Store) -> None:
    await in_order(store, {"a": "I am a.", "b": "I am b.", "c": TransportError("down")}, "cba")
    result, _ = await anew(store, "first")
    assert (result.answer, result.status) == ("I am b.", "degraded")


async def test_all_are_seen_in_that_order(store: Store) -> None:
    await in_order(store, SAID, "ebdac")
    assert (await anew(store, "vote"))[1] == list("ebdac")


async def test_an_adaptive_vote_stops_where_it_would_have(store: Store) -> None:
    await in_order(store, SAID, "edcba")
    adaptive: dict[str, Any] = {"name": "vote", "extract": "number", "adaptive": True, "wave": 5}
    result, ended = await anew(store, adaptive)
    # The other two, who come first in the panel, could not change it any more.
    assert (result.answer, ended) == ("It is 42.", ["e", "d", "c"])
    # In waves of two, those of a wave come in their order.
    result, ended = await anew(store, {**adaptive, "wave": 2})
    assert ended == ["b", "a", "d", "c", "e"]


async def test_samples_stay_who_they_are(store: Store) -> None:
    turns = [anyio.Event(), anyio.Event()]

    def script(request: ChatRequest) -> Script:
        number = len(agent.requests) - 1
        return [turns[number].wait, f"I am {number}."]

    agent = ScriptedAgent("a", lambda request: script(request))  # type: ignore[arg-type,return-value]
    async with council.open_council([Expert("a", agent, samples=2)], store=store) as opened:
        opened.limits = replace(RunLimits(), quorum=1)
        async with opened.stream("Who?", strategy="concat") as run:
            turns[1].set()
            async for event in run:
                if isinstance(event, ExpertFinished):
                    turns[0].set()
    before = run.result
    first, _ = await anew(store, "first")
    assert first.answer == "I am 1."
    again, _ = await anew(store, "concat")
    # Under trio it is a matter of luck which of the two went out first.
    assert [reply.text for reply in again.experts] == [reply.text for reply in before.experts]


async def test_what_is_resumed_is_seen_before_what_is_asked(store: Store) -> None:
    said: dict[str, str | CouncilError] = {**SAID, "d": TransportError("down")}
    await in_order(store, said, "edcba")
    experts = [Expert(id, ScriptedAgent(id, "It is 42.")) for id in SAID]
    async with resumed(store, "last", panel=experts, strategy="vote") as run:
        _, ended = await result_of(run)
    assert ended == ["e", "c", "b", "a", "d"]
    agents = [expert.agent for expert in experts]
    asked = [agent.id for agent in agents if isinstance(agent, ScriptedAgent) and agent.requests]
    assert asked == ["d"]


async def test_how_many_may_be_asked_at_once_changes_nothing(store: Store) -> None:
    await in_order(store, SAID, "abcde", concurrency=1)
    assert (await anew(store, "vote"))[1] == list("abcde")
