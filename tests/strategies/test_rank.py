"""Ranking by the experts themselves, over panels of scripted agents."""

from __future__ import annotations

import pytest

import council
from council.agents.scripted import ScriptedAgent
from council.errors import ConfigError, QuorumLost, TransportError
from council.events import StrategyRanked
from council.expert import Expert
from council.result import Result
from council.strategies import Rank
from tests.support.panels import agents, prompt_of, ranks, shown

pytestmark = pytest.mark.anyio

DOWN = TransportError("down")
BY_WORTH = ranks("good", "fair", "poor")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def rank(panel: list[ScriptedAgent], **options: object) -> Result:
    return await council.ask("Why?", panel=panel, strategy={"name": "rank", **options})


def placed(result: Result) -> list[tuple[str, int, float | None]]:
    assert result.ranking is not None
    return [(ranked.expert, ranked.place, ranked.score) for ranked in result.ranking.answers]


async def test_the_answer_ranked_first_is_returned_untouched() -> None:
    panel = agents(("poor\n", BY_WORTH), (" good. ", BY_WORTH), ("fair", BY_WORTH))
    result = await rank(panel)
    assert (result.answer, result.status) == (" good. ", "complete")
    assert placed(result) == [("b", 1, 1.0), ("c", 2, 0.5), ("a", 3, 0.0)]
    assert result.decider is None
    assert [reply.stage for reply in result.others] == ["review"] * 3
    assert [reply.text for reply in result.experts] == ["poor\n", " good. ", "fair"]


async def test_nobody_sees_its_own_answer() -> None:
    panel = agents(("poor", BY_WORTH), ("good", BY_WORTH), ("fair", BY_WORTH))
    await rank(panel)
    for agent, own in zip(panel, ("poor", "good", "fair"), strict=True):
        (request,) = agent.requests[1:]
        assert sorted([own, *shown(request).values()]) == ["fair", "good", "poor"]


async def test_no_sample_of_its_own_either() -> None:
    panel = agents(("good one", "good two", BY_WORTH), ("poor", BY_WORTH), ("fair", BY_WORTH))
    seats = [Expert(agent.id, agent, samples=2 if agent.id == "a" else 1) for agent in panel]
    result = await council.ask("Why?", panel=seats, strategy="rank")
    assert sorted(shown(panel[0].requests[2]).values()) == ["fair", "poor"]
    assert sorted(shown(panel[1].requests[1]).values()) == ["fair", "good one", "good two"]
    assert result.ranking is not None
    assert result.ranking.ballots == 3  # one each, however many samples
    assert result.ranking.tie
    assert any("equal" in warning for warning in result.warnings)


async def test_weights_of_reviewers_count() -> None:
    panel = agents(("x", ranks("p", "q")), ("p", ranks("x", "q")), ("q", ranks("x", "p")))
    light = await council.ask("?", panel=panel, strategy="rank")
    assert light.answer == "x"
    panel = agents(("x", ranks("p", "q")), ("p", ranks("q", "x")), ("q", ranks("x", "p")))
    seats = [Expert(agent.id, agent, weight=9 if agent.id == "b" else 1) for agent in panel]
    heavy = await council.ask("?", panel=seats, strategy="rank")
    assert heavy.answer == "q"


async def test_a_ballot_that_cannot_be_read_abstains() -> None:
    panel = agents(("bad", "All fine."), *((each, BY_WORTH) for each in ("good", "fair", "poor")))
    result = await rank(panel)
    assert (result.answer, result.status) == ("good", "complete")
    assert result.ranking is not None
    assert (result.ranking.ballots, result.ranking.abstained) == (3, ("a",))
    assert result.warnings == ("the ranking of a could not be read and is left out",)


async def test_a_reviewer_that_fails_is_missing() -> None:
    panel = agents(("poor", DOWN), ("good", BY_WORTH), ("fair", BY_WORTH))
    result = await rank(panel)
    assert (result.answer, result.status) == ("good", "degraded")
    assert result.reasons == ("reviewer a: down",)
    assert result.ranking is not None
    assert result.ranking.abstained == ("a",)


async def test_without_any_ballot_weight_decides_and_it_is_said() -> None:
    panel = agents(("one", "?"), ("two", "?"), ("three", DOWN))
    seats = [Expert(agent.id, agent, weight=2 if agent.id == "b" else 1) for agent in panel]
    result = await council.ask("?", panel=seats, strategy="rank")
    assert (result.answer, result.status, result.ranking) == ("two", "degraded", None)
    assert result.reasons == (
        "reviewer c: down",
        "the answers could not be ranked: no reviewer gave a ballot that can be read",
        "the answer of b was taken, by weight and the panel's order",
    )


async def test_two_cannot_rank_each_other() -> None:
    panel = agents("one", "two")
    result = await rank(panel)
    assert (result.answer, result.status) == ("one", "degraded")
    assert "nobody can" in result.reasons[0]
    assert [len(agent.requests) for agent in panel] == [1, 1]


async def test_an_answer_that_no_counted_ballot_saw_comes_last_and_it_is_said() -> None:
    panel = agents(("poor", BY_WORTH), ("good", "?"), ("fair", "?"))
    result = await rank(panel)
    assert placed(result) == [("b", 1, 1.0), ("c", 2, 0.0), ("a", 3, None)]
    assert "nobody whose ballot counts saw the answer of a" in result.warnings


async def test_only_those_named_review() -> None:
    panel = agents("poor", "good", ("fair", BY_WORTH))
    result = await rank(panel, reviewers="c")
    assert result.answer == "good"
    assert [len(agent.requests) for agent in panel] == [1, 1, 2]


async def test_whoever_is_named_reviews_even_without_an_answer() -> None:
    panel = agents("poor", "good", (DOWN, BY_WORTH))
    result = await rank(panel, reviewers=["c"])
    assert (result.answer, result.status) == ("good", "degraded")
    assert result.reasons == ("c: down",)


async def test_a_reviewer_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"strategy\.reviewers: no expert .* 'eve' .*known: a, b"):
        await rank(agents("1", "2"), reviewers=["eve"])


async def test_the_only_answer_is_ranked_by_nobody() -> None:
    panel = agents("one")
    result = await rank(panel)
    assert (result.answer, result.status, result.ranking) == ("one", "complete", None)
    assert len(panel[0].requests) == 1


async def test_a_lost_quorum() -> None:
    with pytest.raises(QuorumLost):
        await rank(agents("one", DOWN, ""))


async def test_a_prompt_of_ones_own() -> None:
    panel = agents(("poor", BY_WORTH), ("good", BY_WORTH), ("fair", BY_WORTH))
    result = await rank(panel, prompt='{answers}\nfor {{x}} {"a": 1}: {question}')
    assert result.answer == "good"
    assert prompt_of(panel[0].requests[1]).endswith('\nfor {x} {"a": 1}: Why?')


async def test_the_ranking_is_an_event() -> None:
    panel = agents(("poor", BY_WORTH), ("good", BY_WORTH), ("fair", BY_WORTH))
    async with (
        council.open_council(panel, strategy=Rank()) as opened,
        opened.stream("Why?") as run,
    ):
        events = [event async for event in run]
    assert [e.ranking for e in events if isinstance(e, StrategyRanked)] == [run.result.ranking]
