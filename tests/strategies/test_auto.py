"""`auto`, and `synthesize` from the best ranked, over panels of scripted agents."""

from __future__ import annotations

import pytest

import council
from council.errors import QuorumLost, TransportError
from council.events import StrategyRanked
from council.messages import ChatRequest
from tests.support.panels import agents, prompt_of, ranks, shown

pytestmark = pytest.mark.anyio

DOWN = TransportError("down")
LONG = " and this is a text of more than a dozen words on the matter at hand"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def reviews_or_writes(*best_first: str) -> object:
    """Ranks where a ranking is asked for, else writes what it was shown."""
    rank = ranks(*best_first)

    def script(request: ChatRequest) -> str:
        if "FINAL RANKING" in prompt_of(request):
            return rank(request)
        return "fused: " + " ".join(sorted(text.split()[0] for text in shown(request).values()))

    return script


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("How many?", ("42", "It is 42.", "41")),
        ("Is it so?", ("Yes.", "Yes, it is.", "No.")),
        ("Capital of Japan?", ("Tokyo", "Tokyo.", "Kyoto")),
    ],
)
async def test_what_can_be_counted_is_voted_on(question: str, answers: tuple[str, ...]) -> None:
    panel = agents(*answers)
    result = await council.ask(question, panel=panel, strategy="auto")
    assert (result.strategy, result.decided_by) == ("auto", "vote")
    assert result.answer == answers[0]
    assert result.votes is not None
    assert [len(agent.requests) for agent in panel] == [1, 1, 1]


async def test_what_cannot_is_ranked_and_fused_from_the_best() -> None:
    act = reviews_or_writes("one", "two", "three", "four", "five")
    names = ("five", "four", "three", "two", "one")
    panel = agents(*((name + LONG, act) for name in names))  # type: ignore[arg-type]
    result = await council.ask("Why?", panel=panel, strategy="auto")
    assert (result.decided_by, result.status) == ("synthesize", "complete")
    assert result.answer == "fused: one three two"
    assert result.ranking is not None
    assert [ranked.expert for ranked in result.ranking.answers] == ["e", "d", "c", "b", "a"]
    assert any("left out: b, a" in warning for warning in result.warnings)
    # The drafts were asked for once.
    assert [len(agent.requests) for agent in panel] == [3, 2, 2, 2, 2]
    assert len(result.experts) == 5


async def test_where_nothing_is_left_out_nothing_is_ranked() -> None:
    act = reviews_or_writes()
    panel = agents(*((name + LONG, act) for name in ("one", "two", "three")))  # type: ignore[arg-type]
    result = await council.ask("Why?", panel=panel, strategy="auto")
    assert result.answer == "fused: one three two"
    assert result.ranking is None


async def test_auto_needs_a_quorum() -> None:
    with pytest.raises(QuorumLost):
        await council.ask("Why?", panel=agents("one", DOWN, DOWN), strategy="auto")


async def test_auto_says_who_is_missing_once() -> None:
    result = await council.ask("How many?", panel=agents("42", DOWN, "42"), strategy="auto")
    assert (result.status, result.reasons) == ("degraded", ("b: down",))


TOP = {"name": "synthesize", "top": 2}


async def test_all_are_fused_by_default() -> None:
    act = reviews_or_writes()
    panel = agents(*((name + LONG, act) for name in ("one", "two", "three", "four")))  # type: ignore[arg-type]
    result = await council.ask("Why?", panel=panel, strategy="synthesize")
    assert result.answer == "fused: four one three two"


async def test_without_a_ranking_all_are_fused() -> None:
    panel = agents(("one" + LONG, "?", "written"), ("two" + LONG, "?"), ("three" + LONG, DOWN))
    async with (
        council.open_council(panel, strategy=TOP) as opened,
        opened.stream("Why?") as run,
    ):
        events = [event async for event in run]
    result = run.result
    assert (result.answer, result.status, result.ranking) == ("written", "degraded", None)
    assert len(shown(panel[0].requests[2])) == 3
    assert not any(isinstance(event, StrategyRanked) for event in events)
    assert result.reasons == (
        "reviewer c: down",
        "the answers could not be ranked: no reviewer gave a ballot that can be read",
    )


@pytest.mark.parametrize("rest", [LONG, "", ": it is 7"])
async def test_the_best_ranked_stands_in_for_all_writers(rest: str) -> None:
    rank = ranks("two", "one", "three")
    panel = agents(*((name + rest, rank, DOWN) for name in ("one", "two", "three")))
    result = await council.ask("How many?", panel=panel, strategy=TOP)
    assert (result.answer, result.status) == ("two" + rest, "degraded")
    assert result.reasons[-1] == "no synthesizer was left: this is the answer of b"


async def test_a_writer_that_knows_nothing_is_no_writer() -> None:
    panel = agents(("It is 7.", "I don't know."), ("It is 7.", "Seven."))
    result = await council.ask("How many?", panel=panel, strategy="synthesize")
    assert (result.answer, result.status) == ("Seven.", "degraded")
    assert "does not know, although it was given answers; b stood in" in result.reasons[0]
    panel = agents("I don't know.", "I don't know.")
    result = await council.ask("How many?", panel=panel, strategy="synthesize")
    assert (result.answer, result.status) == ("I don't know.", "complete")


@pytest.mark.parametrize(
    ("written", "warnings"),
    [
        ("It is 7, all in all.", ()),
        ("It is 7.\n\nDissent: it may be 8.", ()),
        ("It is 8.", ("the written answer comes to '8', most answers to '7'",)),
        (
            "Who?",
            ("the written answer comes to no position that can be read, most answers to '7'",),
        ),
    ],
)
async def test_a_writer_that_departs_from_the_answers(
    written: str, warnings: tuple[str, ...]
) -> None:
    panel = agents(("It is 7.", written), "It is 7.")
    result = await council.ask("How many?", panel=panel, strategy="synthesize")
    assert (result.answer, result.warnings) == (written, warnings)


async def test_the_minority_report_is_kept() -> None:
    written = "All in all it is so.\n\n**Dissent:** One holds that it is not,\nfor a reason."
    panel = agents(("one" + LONG, written), "two" + LONG)
    result = await council.ask("Why?", panel=panel, strategy="synthesize")
    assert result.answer == written
    (minority,) = result.dissent
    assert (minority.position, minority.experts) == ("minority report", ())
    assert minority.text == "One holds that it is not,\nfor a reason."


async def test_a_prompt_of_ones_own() -> None:
    panel = agents(("one" + LONG, "written"), "two" + LONG)
    strategy = {"name": "synthesize", "prompt": "{answers}\n\nIn one line: {question}"}
    result = await council.ask("{answers}?", panel=panel, strategy=strategy)
    assert result.answer == "written"
    assert prompt_of(panel[0].requests[1]).endswith("\n\nIn one line: {answers}?")
