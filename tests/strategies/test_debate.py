"""Debates over panels of scripted agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import pytest

import council
from council.agents.embedder import Embedded
from council.agents.scripted import Script, ScriptedAgent
from council.assemble import Parts
from council.errors import AgentError, QuorumLost, StrategyError, StreamError, TransportError
from council.events import Convergence, Event, RoundFinished, RoundStarted
from council.expert import Expert
from council.limits import RunLimits
from council.messages import Usage
from council.result import Result
from council.strategies import Debate
from tests.support.panels import agents, own_shown, prompt_of, shown

pytestmark = pytest.mark.anyio

DOWN = TransportError("down")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Angles:
    """An embedder with a vector for each word that a text may have."""

    def __init__(self, **vectors: tuple[float, ...]) -> None:
        self.model = "angles"
        self.closed = False
        self._vectors = vectors

    async def embed(self, texts: Sequence[str]) -> Embedded:
        if not self._vectors:
            raise AgentError("no vectors today")
        found = [next(v for word, v in self._vectors.items() if word in text) for text in texts]
        return Embedded(tuple(found), Usage(prompt_tokens=len(texts)))

    async def aclose(self) -> None:
        self.closed = True


async def debate(
    *panel: ScriptedAgent | Expert, embedder: Angles | None = None, **options: Any
) -> tuple[Result, list[Event]]:
    experts = tuple(s if isinstance(s, Expert) else Expert(s.id, s) for s in panel)
    strategy = Debate.model_validate(options)
    parts = Parts(experts, (), strategy, RunLimits(), embedder=embedder)
    async with council.Council(parts).stream("How many?") as run:
        events = [event async for event in run]
    if run.error is not None:
        raise run.error
    return run.result, events


def texts(result: Result) -> list[list[str]]:
    return [[reply.text for reply in held.replies] for held in result.rounds]


def changes(result: Result) -> list[tuple[str, str, str, str]]:
    flips = result.rounds[-1].flips
    return [(flip.expert, flip.before, flip.after, flip.direction) for flip in flips]


async def test_where_all_agree_there_is_no_debate() -> None:
    panel = agents("42", "It is 42.", "42")
    result, events = await debate(*panel)
    assert (result.answer, result.status, len(result.rounds)) == ("42", "complete", 1)
    assert result.rounds[0].converged
    assert [len(agent.requests) for agent in panel] == [1, 1, 1]
    assert [e.round for e in events if isinstance(e, Convergence)] == [0]


async def test_a_split_is_debated_once_and_ends_when_all_agree() -> None:
    result, events = await debate(*agents("42", ("41", "42"), "42"))
    assert texts(result) == [["42", "41", "42"], ["42", "42", "42"]]
    assert [held.converged for held in result.rounds] == [False, True]
    assert changes(result) == [("b", "41", "42", "towards")]
    assert (result.answer, result.status) == ("42", "complete")
    assert [reply.text for reply in result.experts] == ["42", "41", "42"]
    assert [reply.stage for reply in result.rounds[1].replies] == ["round-1"] * 3
    kinds = (RoundStarted, RoundFinished, Convergence)
    assert [(e.type, e.round) for e in events if isinstance(e, kinds)] == [
        ("round.started", 0),
        ("round.finished", 0),
        ("round.started", 1),
        ("round.finished", 1),
        ("convergence", 1),
    ]
    (_, finished) = (e for e in events if isinstance(e, RoundFinished))
    assert (finished.positions, finished.flips) == (
        result.rounds[1].positions,
        result.rounds[1].flips,
    )


async def test_a_right_minority_that_gives_in_is_told() -> None:
    result, _ = await debate(*agents(("42", "41"), ("42", "41"), "41"))
    assert result.answer == "41"
    assert changes(result) == [("a", "42", "41", "away"), ("b", "42", "41", "away")]
    assert result.warnings == ("before the debate '42' led",)


async def test_the_first_answers_may_decide() -> None:
    result, _ = await debate(*agents(("42", "41"), ("42", "41"), "41"), count="first")
    assert result.answer == "42"
    assert result.votes is not None
    assert result.votes.winner == "42"
    assert len(result.rounds) == 2
    assert result.warnings == ()


@pytest.mark.parametrize(
    ("options", "rounds"),
    [
        ({}, 3),
        ({"max_rounds": 1}, 1),
        ({"max_rounds": 8}, 8),
        ({"min_rounds": 2, "max_rounds": 2}, 2),
    ],
)
async def test_a_lasting_split_ends_at_the_cap(options: dict[str, Any], rounds: int) -> None:
    result, events = await debate(*agents("42", "41", "40"), **options)
    assert len(result.rounds) == 1 + rounds
    assert not any(isinstance(event, Convergence) for event in events)
    assert any("tie" in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("options", "rounds"),
    [
        ({"when": "always"}, 1),
        ({"when": "always", "min_rounds": 2}, 2),
        ({"min_rounds": 2}, 0),  # where nothing is debated there is no least number
    ],
)
async def test_agreement_may_be_debated(options: dict[str, Any], rounds: int) -> None:
    result, _ = await debate(*agents("42", "42", "42"), **options)
    assert len(result.rounds) == 1 + rounds


async def test_each_sees_the_others_last_answers_and_its_own_marked() -> None:
    panel = agents(("one 1", "uno 1"), ("two 2", "due 2"), ("three 3", "tre 3"))
    await debate(*panel, max_rounds=2)
    for round, answers in enumerate((["one 1", "two 2", "three 3"], ["uno 1", "due 2", "tre 3"])):
        for agent, own in zip(panel, answers, strict=True):
            request = agent.requests[1 + round]
            assert own_shown(request) == own
            assert sorted([own, *shown(request).values()]) == sorted(answers)


async def test_the_own_answer_and_the_persona_come_last() -> None:
    panel = agents("41", "42", "43")
    seats = [Expert(agent.id, agent, persona=f"You are {agent.id}.") for agent in panel]
    await debate(*seats, max_rounds=1)
    prompt = prompt_of(panel[1].requests[1])
    places = [prompt.index(part) for part in ("How many?", "<answer", "<own_answer>", "You are b.")]
    assert places == sorted(places)
    assert prompt.endswith("You are b.")
    assert "You are a." not in prompt


async def test_samples_debate_by_themselves() -> None:
    agent = ScriptedAgent("a", "41", "42", "42")
    result, _ = await debate(Expert("a", agent, samples=2), max_rounds=1)
    assert [reply.label for reply in result.rounds[1].replies] == ["a", "a#2"]
    # Which sample is asked first is the event loop's business.
    assert [move[1:] for move in changes(result)] == [("41", "42", "aside")]


@pytest.mark.parametrize("failure", [DOWN, ["half", StreamError("cut")], "", "I cannot help."])
async def test_who_fails_in_a_round_keeps_its_last_answer(failure: Script) -> None:
    result, _ = await debate(*agents("42", ("41", failure), ("41", "42")), max_rounds=1)
    one = result.rounds[1]
    assert [reply.label for reply in one.replies] == ["a", "b", "c"]
    assert [position.experts for position in one.positions] == [("a", "c"), ("b",)]
    assert result.status == "degraded"
    (reason,) = result.reasons
    assert reason.startswith("round 1: b: ")
    assert reason.endswith("; its last answer stands")
    if failure == DOWN:
        assert [reply.status for reply in one.replies] == ["complete", "failed", "complete"]


async def test_who_fails_at_first_may_come_later_and_is_still_missing() -> None:
    panel = agents("42", (DOWN, "41"), "41")
    result, _ = await debate(*panel, max_rounds=1)
    assert "You have not answered yet." in prompt_of(panel[1].requests[1])
    assert result.answer == "41"
    assert (result.status, result.reasons) == ("degraded", ("b: down",))
    assert result.rounds[1].flips == ()


async def test_a_round_without_a_quorum_does_not_count() -> None:
    result, _ = await debate(*agents(("42", "41"), ("42", DOWN), ("41", "")))
    assert texts(result) == [["42", "42", "41"], ["41", "", ""]]
    assert (result.answer, result.status) == ("42", "degraded")
    (reason,) = result.reasons
    assert reason.startswith("round 1 does not count: quorum lost: 1 of 2 needed experts answered")
    assert [p.value for p in result.rounds[1].positions] == ["42", "41"]
    assert len(result.rounds) == 2


async def test_round_0_without_a_quorum_is_the_end() -> None:
    with pytest.raises(QuorumLost):
        await debate(*agents("42", DOWN, DOWN))


async def test_alone_nobody_debates() -> None:
    result, _ = await debate(*agents("42"), when="always")
    assert result.answer == "42"
    assert any("nobody to debate with" in warning for warning in result.warnings)


async def test_a_round_that_hangs_leaves_the_answers_there_were() -> None:
    never = anyio.Event()
    panel = agents(("42", [never.wait]), ("41", [never.wait]), ("42", [never.wait]))
    async with council.open_council(panel, strategy="debate") as opened:
        with anyio.fail_after(60):
            result = await opened.ask("How many?", deadline=0.5)
    assert (result.answer, result.status) == ("42", "degraded")
    assert "round 1 does not count: the deadline" in result.reasons[0]


async def test_a_round_that_hangs_leaves_time_for_the_synthesis() -> None:
    never = anyio.Event()
    panel = agents(("42", "42", "written"), "41", ("42", [never.wait]))
    strategy = {"name": "debate", "final": "synthesize", "max_rounds": 1}
    result = await council.ask("How many?", panel=panel, strategy=strategy, deadline=4.0)
    assert (result.answer, result.status) == ("written", "degraded")
    assert result.reasons[0].startswith("round 1: c: timed out")


async def test_long_answers_cannot_be_compared_and_are_debated() -> None:
    long = "many different words about the matter at hand " * 3
    result, _ = await debate(*agents(f"{long} a", f"{long} b"), final="synthesize")
    assert [held.positions for held in result.rounds] == [()] * 4
    assert result.decider is not None
    assert result.answer == result.decider.text


async def test_a_debate_may_end_in_a_synthesis() -> None:
    panel = agents(("41", "42", "the synthesis"), "42", "42")
    result, _ = await debate(*panel, final="synthesize")
    assert (result.answer, result.status) == ("the synthesis", "complete")
    assert sorted(shown(panel[0].requests[2]).values()) == ["42", "42", "42"]
    assert len(result.rounds) == 2


async def test_likeness_is_recorded_where_there_is_an_embedder() -> None:
    embedder = Angles(**{"41": (0.0, 1.0), "42": (1.0, 0.0)})
    result, events = await debate(*agents("42", ("41", "42")), embedder=embedder)
    assert [held.similarity for held in result.rounds] == [0.0, 1.0]
    assert [e.similarity for e in events if isinstance(e, RoundFinished)] == [0.0, 1.0]
    assert result.usage.prompt_tokens > 2


async def test_likeness_may_end_the_debate() -> None:
    embedder = Angles(near=(1.0, 0.1), same=(1.0, 0.0), far=(0.0, 1.0))
    panel = agents("same", ("far", "near"))
    options: dict[str, Any] = {"converge": "semantic", "final": "synthesize"}
    result, events = await debate(*panel, embedder=embedder, **options)
    assert [held.converged for held in result.rounds] == [False, True]
    assert [(e.round, e.by) for e in events if isinstance(e, Convergence)] == [(1, "semantic")]


async def test_likeness_needs_an_embedder() -> None:
    panel = agents("42", "41")
    kinds: list[dict[str, Any]] = [{"converge": "semantic"}, {"extract": "semantic"}]
    for options in kinds:
        with pytest.raises(StrategyError, match="embedder"):
            await debate(*panel, **options)
    assert panel[0].requests == []


@pytest.mark.parametrize(
    ("converge", "status"), [("positions", "complete"), ("semantic", "degraded")]
)
async def test_a_failing_embedder_costs_no_answer(converge: str, status: str) -> None:
    panel = agents("42", "41", "42")
    result, _ = await debate(*panel, embedder=Angles(), converge=converge, max_rounds=1)
    assert (result.answer, result.status) == ("42", status)
    told = [line for line in (*result.reasons, *result.warnings) if "no vectors today" in line]
    assert len(told) == 1


async def test_groups_by_likeness_are_named_alike_in_all_rounds() -> None:
    embedder = Angles(yes=(1.0, 0.0), sure=(1.0, 0.1), no=(0.0, 1.0))
    panel = agents(("yes", "no"), ("sure", "yes"), "no")
    result, _ = await debate(*panel, embedder=embedder, extract="semantic", max_rounds=1)
    assert changes(result) == [("a", "yes", "no", "away")]
    assert result.answer == "no"


async def test_an_interrupted_debate_keeps_what_was_said() -> None:
    never, writing = anyio.Event(), anyio.Event()

    async def wait() -> None:
        writing.set()
        await never.wait()

    panel = agents(("42", ["chan", wait]), "41")
    async with (
        council.open_council(panel, strategy="debate") as opened,
        opened.stream("How many?") as run,
    ):
        await writing.wait()
        result = run.snapshot()
    assert [reply.text for reply in result.experts] == ["42", "41"]
    assert result.decider is None
    assert "chan" in [reply.text for reply in result.others]
