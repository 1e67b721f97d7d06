"""A judge that chooses, over panels of scripted agents."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

import council
from council.agents.scripted import Script, ScriptedAgent
from council.assemble import Parts
from council.errors import ConfigError, QuorumLost, StreamError, TransportError
from council.events import AnswerToken, Event, StrategyStandIn
from council.expert import Expert
from council.limits import RunLimits
from council.messages import ChatRequest
from council.result import Result
from council.strategies import Judge
from tests.support.panels import agents, picks, prompt_of, shown

pytestmark = pytest.mark.anyio

DOWN = TransportError("down")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def scores(*words: str) -> Script:
    """A judge that gives the answer with the first word most."""

    def script(request: ChatRequest) -> str:
        rows = [
            f"{number}={10 - next(i for i, word in enumerate(words) if word in text)}"
            for number, text in shown(request).items()
        ]
        return "SCORES: " + ", ".join(rows)

    return script


async def judge(
    *panel: ScriptedAgent | Expert, mode: str = "pick", **options: Any
) -> tuple[Result, list[Event]]:
    strategy = {"name": "judge", "mode": mode, **options}
    async with (
        council.open_council(list(panel), strategy=strategy) as opened,
        opened.stream("Why?") as run,
    ):
        events = [event async for event in run]
    if run.error is not None:
        raise run.error
    return run.result, events


def places(result: Result) -> list[tuple[str, int, float | None]]:
    assert result.ranking is not None
    return [(ranked.expert, ranked.place, ranked.score) for ranked in result.ranking.answers]


async def test_the_pick_is_returned_untouched_and_its_reasons_are_kept() -> None:
    panel = agents(("I judge", picks("good")), "poor", " good\n", "fair")
    result, events = await judge(*panel, judge="a")
    assert (result.answer, result.status) == (" good\n", "complete")
    assert places(result) == [("c", 1, 1.0), ("b", 2, 0.25), ("d", 2, 0.25), ("a", 4, None)]
    assert result.decider is not None
    assert (result.decider.stage, result.decider.text.split("\n")[0]) == ("judge", "It says good.")
    # The judge's words are not the answer's, and the answer goes out once.
    assert [e.text for e in events if isinstance(e, AnswerToken)] == [" good\n"]
    assert [reply.label for reply in result.others] == ["a#2"]


async def test_both_orders_are_asked() -> None:
    panel = agents(("I judge", picks("good")), "poor", "good", "fair")
    await judge(*panel, judge="a")
    first, second = (list(shown(request).values()) for request in panel[0].requests[1:])
    assert first == second[::-1]
    assert sorted(first) == ["fair", "good", "poor"]  # and not its own


@pytest.mark.parametrize("mode", ["pick", "pairwise"])
async def test_a_judge_that_follows_the_order_decides_nothing(mode: str) -> None:
    panel = agents(("I judge", "BEST: 1"), "poor", "good")
    result, _ = await judge(*panel, judge="a", mode=mode)
    assert places(result)[:2] == [("b", 1, 0.5), ("c", 1, 0.5)]
    assert result.answer == "poor"
    assert any("contradicted itself on 1 pair" in warning for warning in result.warnings)
    assert any("level" in warning for warning in result.warnings)


async def test_pairs() -> None:
    panel = agents(("I judge", lambda r: picks("good")(r)), "poor", "good", "fair", "bad")
    result, _ = await judge(*panel, judge="a", mode="pairwise")
    assert len(panel[0].requests) == 1 + 4 * 3
    assert all(len(shown(request)) == 2 for request in panel[0].requests[1:])
    # `good` beats all others, which are level.
    assert places(result)[0] == ("c", 1, 1.0)
    assert result.answer == "good"
    assert result.status == "complete"


async def test_scores() -> None:
    panel = agents(("I judge", scores("good", "fair", "poor")), "poor", "good", "fair")
    result, _ = await judge(*panel, judge="a", mode="score")
    assert places(result) == [("c", 1, 1.0), ("d", 2, 0.5), ("b", 3, 0.0), ("a", 4, None)]
    assert result.answer == "good"


async def test_a_member_does_not_judge_its_own_answer() -> None:
    vain = agents(("mine is good", picks("good")), "good too", "poor")
    result, _ = await judge(*vain, judge="a")
    assert result.answer == "good too"
    assert "the answer of a was not judged: it is the judge's own" in result.warnings


async def test_the_only_answer_is_judged_by_nobody() -> None:
    panel = agents("mine")
    result, _ = await judge(*panel, judge="a")
    assert (result.answer, result.status) == ("mine", "complete")
    assert len(panel[0].requests) == 1


async def test_where_every_judge_is_an_author_nobody_judges() -> None:
    panel = agents("one", "two")
    result, _ = await judge(*panel)
    assert (result.answer, result.status, result.ranking) == ("one", "degraded", None)
    assert result.reasons[0] == "nobody may judge: each judge wrote all but one of the answers"
    assert [len(agent.requests) for agent in panel] == [1, 1]


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (DOWN, "a: down"),
        (["BEST", StreamError("cut")], "a: cut"),
        ("", "a: empty answer"),
        ("No idea.", "a: no decision could be read for both orders of the answers"),
        ("I can't help with that.", "a: refused to answer, or took no position"),
    ],
)
async def test_a_stand_in_judges(failure: Script, why: str) -> None:
    panel = agents(("I", failure), ("poor", picks("good")), "good", "fair")
    result, events = await judge(*panel, judge=["a", "b"])
    assert (result.answer, result.status) == ("good", "degraded")
    assert result.reasons == (f"judge {why}; b stood in",)
    stand_ins = [(e.failed, e.stand_in) for e in events if isinstance(e, StrategyStandIn)]
    assert stand_ins == [("a", "b")]
    # The stand-in is an author too: its own is out, the first judge's is in.
    assert sorted(shown(panel[1].requests[1]).values()) == ["I", "fair", "good"]


async def test_without_any_judge_weight_decides_and_it_is_said() -> None:
    panel = agents(("one", DOWN), ("two", "?"), ("three", ""))
    seats = [Expert(agent.id, agent, weight=2 if agent.id == "c" else 1) for agent in panel]
    result, _ = await judge(*seats)
    assert (result.answer, result.status, result.ranking) == ("three", "degraded", None)
    assert result.reasons[-1] == "the answer of c was taken, by weight and the panel's order"
    assert len(result.reasons) == 4
    assert len(result.others) == 6


async def test_a_judge_that_hangs_leaves_time_for_its_stand_in() -> None:
    never = anyio.Event()
    panel = agents(("I", [never.wait]), ("poor", picks("good")), "good", "fair")
    strategy = {"name": "judge", "judge": ["a", "b"]}
    result = await council.ask("Why?", panel=panel, strategy=strategy, deadline=4.0)
    assert (result.answer, result.status) == ("good", "degraded")


async def test_one_order_alone_decides_nothing() -> None:
    panel = agents(("I", picks("good"), "?"), "poor", "good", "fair")
    result, _ = await judge(*panel, judge="a")
    assert (result.status, result.ranking) == ("degraded", None)


async def test_pairs_that_cannot_be_read_are_ties() -> None:
    def moody(request: ChatRequest) -> str:
        return "?" if "fair" in prompt_of(request) else picks("good")(request)

    panel = agents(("I", moody), "poor", "good", "fair")
    result, _ = await judge(*panel, judge="a", mode="pairwise")
    assert result.answer == "good"
    assert places(result)[0] == ("c", 1, 0.75)
    assert "2 of the judge's 3 comparisons could not be read: ties" in result.warnings


async def test_a_synthesizer_judges_where_the_panel_has_one() -> None:
    outside = ScriptedAgent("out", picks("good"))
    panel = agents("poor", "good", "fair")
    experts = tuple(Expert(agent.id, agent) for agent in panel)
    parts = Parts(experts, (Expert("synthesizer", outside),), Judge(), RunLimits())
    result = await council.Council(parts).ask("Why?")
    assert result.answer == "good"
    assert len(outside.requests) == 2
    assert [len(agent.requests) for agent in panel] == [1, 1, 1]


async def test_a_judge_of_an_authors_family_is_told() -> None:
    panel = agents(("I", picks("good")), "poor", "good", "fair")
    kin = {"a": "x", "b": "y", "c": "x", "d": "y"}
    for families, told in ((kin, True), (dict.fromkeys(kin, "x"), False)):
        seats = [Expert(agent.id, agent, family=families[agent.id]) for agent in panel]
        result, _ = await judge(*seats, judge="a")
        warning = "the judge is of the model family that wrote the answer of c: models favour"
        assert any(each.startswith(warning) for each in result.warnings) is told


async def test_a_judge_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"strategy\.judge: no expert .* 'eve'"):
        await judge(*agents("1", "2"), judge="eve")


async def test_a_lost_quorum() -> None:
    with pytest.raises(QuorumLost):
        await judge(*agents("one", DOWN, DOWN))


async def test_a_judge_is_told_no_persona() -> None:
    panel = agents(("I", picks("good")), "poor", "good")
    seats = [Expert(agent.id, agent, persona="You are vain.") for agent in panel]
    await judge(*seats, judge="a")
    assert "vain" in prompt_of(panel[0].requests[0])
    assert "vain" not in prompt_of(panel[0].requests[1])
