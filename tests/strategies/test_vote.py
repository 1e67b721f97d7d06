"""The vote over scripted experts: extractors, waves, cascades, ties, quorum, small panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import anyio
import pytest

import council
from council.agents.embedder import Embedded
from council.agents.scripted import Script, ScriptedAgent
from council.assemble import assemble_panel
from council.errors import ConfigError, QuorumLost, StrategyError, TransportError
from council.expert import Expert
from council.messages import Usage

pytestmark = pytest.mark.anyio

DOWN = TransportError("down")
SUM = "What is 17 + 25?"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def experts(*scripts: Script, **options: Any) -> list[Expert]:
    return [
        Expert(id, ScriptedAgent(id, script, model=f"model-{id}"), **options)
        for id, script in zip("abcdefgh", scripts, strict=False)
    ]


def asked(panel: Sequence[Expert]) -> list[int]:
    """How many requests each expert's agent got."""
    agents = [expert.agent for expert in panel]
    return [len(agent.requests) for agent in agents if isinstance(agent, ScriptedAgent)]


async def vote(
    panel: list[Expert],
    question: str = SUM,
    *,
    quorum: int | None = None,
    families: int = 1,
    seed: int = 0,
    **options: Any,
) -> council.Result:
    async with council.open_council(panel, strategy={"name": "vote", **options}) as opened:
        opened.limits = replace(opened.limits, quorum=quorum, quorum_families=families)
        return await opened.ask(question, seed=seed)


async def test_a_vote_on_a_field_of_json() -> None:
    texts = ('{"price": 3.0, "why": "x"}', 'So: ```{"price": 3}``` ', '{"price": 4}')
    result = await vote(experts(*texts), extract={"kind": "json", "field": "price"})
    assert result.votes is not None
    assert (result.votes.winner, result.votes.extract) == ("3", "json")
    assert result.answer == texts[0]


async def test_an_answer_that_cannot_be_read_is_an_abstention() -> None:
    result = await vote(experts("ANSWER: x", "dunno", "ANSWER: x"), extract=REGEX)
    assert result.votes is not None
    assert result.votes.abstained == ("b",)
    assert "b took no position that could be counted" in result.warnings
    with pytest.raises(QuorumLost):
        await vote(experts("ANSWER: x", "dunno", "well"), extract=REGEX)


REGEX = {"kind": "regex", "pattern": r"ANSWER: (\w+)"}


async def test_waves_stop_when_nothing_can_change_the_winner() -> None:
    panel = experts(*["42"] * 7)
    result = await vote(panel, extract="number", adaptive=True, wave=2)
    assert (result.status, result.reasons, result.warnings) == ("complete", (), ())
    assert asked(panel) == [1, 1, 1, 1, 0, 0, 0]
    assert result.saved == 3
    assert [reply.id for reply in result.experts] == ["a", "b", "c", "d"]


async def test_waves_go_on_while_the_vote_is_open() -> None:
    panel = experts("42", "41", "42", "41", "40")
    result = await vote(panel, adaptive=True, wave=2)
    assert asked(panel) == [1] * 5
    assert result.saved == 0
    assert result.answer == "42"
    assert any("tie" in warning for warning in result.warnings)


async def test_a_decided_vote_cancels_who_still_writes() -> None:
    never = anyio.Event()
    panel = experts("42", "42", [never.wait], "42", "41")
    with anyio.fail_after(60):
        result = await vote(panel, extract="number", adaptive=True, wave=4)
    assert result.status == "complete"
    assert [reply.status for reply in result.experts] == [
        *("complete", "complete", "cancelled", "complete")
    ]
    assert (result.saved, asked(panel)[4]) == (1, 0)


async def test_failures_decide_nothing_and_are_told() -> None:
    panel = experts(DOWN, DOWN, "42", "42", "42")
    result = await vote(panel, extract="number", adaptive=True, wave=2)
    assert asked(panel) == [1] * 5
    assert (result.answer, result.status) == ("42", "degraded")
    assert result.reasons == ("a: down", "b: down")


async def test_waves_count_weights() -> None:
    heavy = replace(experts("41")[0], weight=5.0)
    light = [replace(e, id=f"{e.id}2") for e in experts("42", "42", "42")]
    panel = [heavy, *light]
    result = await vote(panel, extract="number", adaptive=True, wave=1)
    # The first answer alone decides, but two experts are the quorum of four.
    assert asked(panel) == [1, 1, 0, 0]
    assert (result.answer, result.status, result.saved) == ("41", "complete", 2)


async def test_waves_keep_to_the_quorum() -> None:
    panel = experts("42", "42", "42", "42", "42")
    result = await vote(panel, extract="number", adaptive=True, wave=1, quorum=4)
    assert asked(panel) == [1, 1, 1, 1, 0]
    assert result.status == "complete"
    family = [replace(expert, family="x") for expert in experts("42", "42", "42", "42")]
    panel = [*family, replace(experts(*["41"] * 5)[4], family="y")]
    await vote(panel, extract="number", adaptive=True, wave=1, families=2)
    assert asked(panel) == [1] * 5


async def test_waves_ask_first_samples_first() -> None:
    panel = experts("42", "42", samples=3)
    result = await vote(panel, extract="number", adaptive=True, wave=2)
    assert asked(panel) == [2, 2]
    assert [reply.label for reply in result.experts] == ["a", "a#2", "b", "b#2"]
    assert result.saved == 2


async def test_a_statistical_stop_says_that_it_may_be_wrong() -> None:
    panel = experts("42", samples=20)
    result = await vote(panel, extract="number", adaptive=True, wave=1, confidence=0.95)
    # Beta's mass above one half is 1 - 2^-(n + 1): four alike are enough for 0.95.
    assert asked(panel) == [4]
    assert (result.status, result.saved) == ("complete", 16)
    (early,) = [warning for warning in result.warnings if "stopped" in warning]
    assert "4 of 20 requests" in early
    assert "could have decided otherwise" in early


async def test_automatic_reading_is_settled_by_the_first_wave() -> None:
    panel = experts("42", "Tokyo", "It is 42.", "42", "42", "Tokyo")
    result = await vote(panel, adaptive=True, wave=3)
    assert result.votes is not None
    assert (result.votes.extract, result.votes.abstained[0]) == ("number", "b")
    assert result.answer == "42"


async def test_an_open_vote_is_read_anew_from_all_answers() -> None:
    panel = experts("42", "It is 42.", "Tokyo", "Tokyo", "Tokyo")
    result = await vote(panel, adaptive=True, wave=2)
    full = await vote(panel)
    assert result.votes is not None
    assert (result.votes, result.answer) == (full.votes, "Tokyo")


@pytest.mark.parametrize("wave", [1, 2, 3, 5])
async def test_waves_and_a_full_vote_have_one_winner(wave: int) -> None:
    scripts: list[Script] = ["41", "42", DOWN, "42", "I don't know.", "42", "41"]
    full = await vote(experts(*scripts), extract="number")
    waved = await vote(experts(*scripts), extract="number", adaptive=True, wave=wave)
    assert full.votes is not None
    assert waved.votes is not None
    assert (waved.answer, waved.votes.winner) == (full.answer, full.votes.winner)


async def test_a_cascade_ends_with_the_first_expert() -> None:
    panel = experts("42", "41", "41")
    result = await vote(panel, cascade=[1, "all"])
    assert asked(panel) == [1, 0, 0]
    assert (result.answer, result.status, result.saved) == ("42", "complete", 2)
    assert result.warnings == (
        "asked 1 of 3 experts: their answers agree, and the others could have disagreed",
    )


@pytest.mark.parametrize("first", ["I don't know.", "no idea at all", DOWN, ""])
async def test_a_cascade_goes_on_after_no_answer(first: Script) -> None:
    panel = experts(first, "42", "42", "41", "41")
    result = await vote(panel, extract="number", cascade=[1, 3, "all"])
    assert asked(panel)[:3] == [1, 1, 1]
    assert result.answer == "42"


async def test_a_cascade_reuses_its_drafts() -> None:
    panel = experts("41", "42", "42", "42", "41")
    result = await vote(panel, extract="number", cascade=[2, 3, "all"])
    assert asked(panel) == [1] * 5
    assert (result.answer, result.saved) == ("42", 0)
    assert [reply.id for reply in result.experts] == list("abcde")
    panel = experts("42", "41", "42", "42", "41")
    await vote(panel, extract="number", cascade=[1, 3, "all"], quorum=2, cascade_margin=0.3)
    assert asked(panel) == [1, 1, 1, 0, 0]


async def test_a_cascade_keeps_to_a_quorum_that_is_written() -> None:
    panel = experts("42", "42", "42")
    await vote(panel, extract="number", cascade=[1, 2, "all"], quorum=2)
    assert asked(panel) == [1, 1, 0]


async def test_a_cascade_asks_a_first_expert_to_agree_with_itself() -> None:
    alone = experts("42", "41", "41")
    await vote(alone, extract="number", cascade=[1, "all"], confidence=0.9)
    assert asked(alone) == [1, 1, 1]
    consistent = [replace(alone[0], agent=ScriptedAgent("a", "42"), samples=3), *alone[1:]]
    result = await vote(consistent, extract="number", cascade=[1, "all"], confidence=0.9)
    assert [len(result.experts), result.saved] == [3, 2]
    torn = [replace(alone[0], agent=ScriptedAgent("a", "42", "41", "40"), samples=3), *alone[1:]]
    result = await vote(torn, extract="number", cascade=[1, "all"], confidence=0.9)
    assert (len(result.experts), result.answer) == (5, "41")


async def test_a_cascade_leaves_time_for_the_others() -> None:
    never = anyio.Event()
    panel = experts([never.wait], "42", "42")
    strategy = {"name": "vote", "extract": "number", "cascade": [1, "all"]}
    async with council.open_council(panel, strategy=strategy) as opened:
        result = await opened.ask(SUM, deadline=4.0)
    assert (result.answer, result.status) == ("42", "degraded")
    assert "a: timed out" in result.reasons[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cascade": [3, 1, "all"]}, "cascade: expected rising numbers"),
        ({"cascade": [1, 3]}, "`all` at the end"),
        ({"cascade": ["all"]}, "expected rising numbers"),
        ({"cascade": [0, "all"]}, "expected rising numbers"),
        ({"cascade": [1, "all"], "adaptive": True}, "adaptive and cascade are two ways"),
        ({"confidence": 0.9}, "confidence says when to stop asking"),
        ({"adaptive": True, "extract": "semantic"}, "adaptive needs to read each answer"),
        ({"tie": "coin"}, "tie: expected one of 'order', 'random' or 'abstain'"),
        ({"min_margin": 2}, "min_margin: expected at most 1"),
    ],
)
async def test_options_that_do_not_fit(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await vote(experts("42"), **options)
    assert message in str(caught.value)


async def test_ties() -> None:
    panel = experts("41", "42", "42", "41")
    assert (await vote(panel)).answer == "41"
    drawn = {(await vote(panel, tie="random", seed=seed)).answer for seed in range(20)}
    assert drawn == {"41", "42"}
    again = [(await vote(panel, tie="random", seed=7)).answer for _ in range(3)]
    assert len(set(again)) == 1
    with pytest.raises(StrategyError, match="tie between '41' and '42'"):
        await vote(panel, tie="abstain")
    drawn_result = await vote(panel, tie="random")
    assert "the vote was a tie; a draw by the run's seed decided" in drawn_result.warnings


async def test_a_close_vote_is_degraded_where_that_is_asked_for() -> None:
    panel = experts("42", "42", "41")
    assert (await vote(panel, min_margin=0.3)).status == "complete"
    result = await vote(panel, min_margin=0.5)
    assert (result.status, result.answer) == ("degraded", "42")
    assert result.reasons == (
        "the vote was close: a margin of 0.33 of the weight, and min_margin is 0.5",
    )


async def test_waves_go_on_until_the_margin_is_safe_too() -> None:
    panel = experts("42", "42", "42", "42", "42", "41")
    await vote(panel, extract="number", adaptive=True, wave=1)
    assert asked(panel) == [1, 1, 1, 1, 0, 0]
    panel = experts("42", "42", "42", "42", "42", "41")
    result = await vote(panel, extract="number", adaptive=True, wave=1, min_margin=0.6)
    assert (asked(panel), result.status) == ([1, 1, 1, 1, 1, 0], "complete")
    panel = experts("42", "42", "42", "42", "42", "41")
    result = await vote(panel, extract="number", adaptive=True, wave=1, min_margin=0.7)
    assert (asked(panel), result.status) == ([1] * 6, "degraded")


async def test_a_panel_of_one_says_so() -> None:
    result = await vote(experts("42"))
    assert result.status == "complete"
    assert result.warnings == ("a panel of one: no other expert could have disagreed",)


async def test_two_that_disagree_say_so() -> None:
    result = await vote(experts("42", "41"))
    assert "the two experts disagree, and there is no third" in result.warnings
    assert any("tie" in warning for warning in result.warnings)
    result = await vote(experts("42", "42"))
    assert result.warnings == ()


async def test_answers_have_to_be_from_as_many_families_as_the_panel_wants() -> None:
    panel = experts("42", "42", DOWN)
    siblings = [replace(expert, family="x") for expert in panel[:2]]
    with pytest.raises(QuorumLost, match=r"1 of 2 needed model families answered.*x alone.*down"):
        await vote([*siblings, panel[2]], families=2)
    assert (await vote(panel, families=2)).answer == "42"


def test_more_families_than_there_are_is_a_mistake() -> None:
    entry = {"model": "m", "endpoint": "http://h", "family": "x"}
    limits = {"quorum_families": 2}
    with pytest.raises(ConfigError, match=r"limits.quorum_families: 2 is more than the 1 model"):
        assemble_panel({"experts": [entry, entry], "limits": limits})


class Letters:
    """An embedder that counts letters, so that its angles are known."""

    model = "letters"

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    async def embed(self, texts: Sequence[str]) -> Embedded:
        self.calls.append(list(texts))
        if any("boom" in text for text in texts):
            raise TransportError("HTTP 500")
        alphabet = "abcdefghijklmnopqrstuvwxyz"
        vectors = tuple(tuple(float(t.count(letter)) for letter in alphabet) for t in texts)
        return Embedded(vectors, Usage(prompt_tokens=7))

    async def aclose(self) -> None:
        """Holds nothing."""


async def semantic(*scripts: Script, embedder: Letters | None) -> council.Result:
    extract = {"kind": "semantic", "threshold": 0.9}
    strategy = {"name": "vote", "extract": extract}
    async with council.open_council(experts(*scripts), strategy=strategy) as opened:
        opened.embedder = embedder
        return await opened.ask("Why?")


async def test_a_vote_on_what_answers_mean() -> None:
    embedder = Letters()
    result = await semantic("zzz zz", "aab", "I don't know.", "aba", embedder=embedder)
    assert result.votes is not None
    assert [(p.value, p.experts) for p in result.votes.positions] == [
        ("aab", ("b", "d")),
        ("zzz zz", ("a",)),
        ("unknown", ("c",)),
    ]
    assert result.votes.extract == "semantic"
    assert embedder.calls == [["zzz zz", "aab", "aba"]]
    spoken = sum(reply.usage.prompt_tokens for reply in result.experts if reply.usage)
    assert result.usage.prompt_tokens == spoken + 7


async def test_an_embedder_that_fails_or_is_missing_is_said() -> None:
    with pytest.raises(StrategyError, match="could not be embedded: HTTP 500"):
        await semantic("boom", "b", embedder=Letters())
    with pytest.raises(StrategyError, match="the panel has no `embedder`"):
        await semantic("a", "b", embedder=None)
