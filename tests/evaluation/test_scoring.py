"""Verdicts on answers, on replies and on whole runs."""

from __future__ import annotations

from typing import Any

import pytest

from council import ScriptedAgent, Vote, open_council
from council.errors import StreamError
from council.evaluation.questions import Kind, Question
from council.evaluation.scoring import Answered, Verdict, mark, mark_text
from council.messages import ChatToken
from council.strategies.extractors import NumberExtractor

pytestmark = pytest.mark.anyio


def question(answer: str, kind: Kind, text: str = "Why?", **more: Any) -> Question:
    return Question("q", text, answer, kind, **more)


@pytest.mark.parametrize(
    ("asked", "text", "verdict"),
    [
        (question("42", "number"), "17 + 25 = 42.", "right"),
        (question("1,200", "number"), "It is 1200.0 in all.", "right"),
        (question("42", "number"), "It is 41.", "wrong"),
        (question("42", "number"), "Forty-two.", "abstained"),
        (question("42", "number"), "I don't know.", "abstained"),
        (question("yes", "choice"), "True.", "right"),
        (question("yes", "choice"), "No.", "wrong"),
        (question("B", "choice"), "The answer is (B).", "right"),
        (question("red", "choice", choices=("red", "blue")), "It is red, I guess.", "right"),
        (question("red", "choice", choices=("red", "blue")), "It is blue.", "wrong"),
        (question("red", "choice", choices=("red", "blue")), "Red or blue.", "abstained"),
        (question("Tokyo", "text", "Capital of Japan?"), "The capital of Japan is Tokyo.", "right"),
        (question("Tokyo", "text", "Capital of Japan?"), "Kyoto", "wrong"),
        (question("Tokyo", "text", "Capital of Japan?"), "I do not know.", "abstained"),
        (question("I don't know.", "text"), "I'm not sure.", "right"),
        (question("I don't know.", "text"), "It is 42.", "wrong"),
        (question("Tokyo", "exact"), " Tokyo\n", "right"),
        (question("Tokyo", "exact"), "tokyo", "wrong"),
        (question("Tokyo", "exact"), "I don't know.", "abstained"),
        (question(r"(?i)\btokyo\b", "regex"), "It is TOKYO.", "right"),
        (question(r"\d+", "regex"), "None.", "wrong"),
        (question(r"\d+", "regex"), "I don't know.", "abstained"),
        (question("42", "number"), "42 " * 40_000, "abstained"),
    ],
)
def test_answers(asked: Question, text: str, verdict: Verdict) -> None:
    assert mark_text(asked, text) == verdict


async def outcome(*agents: ScriptedAgent, **options: Any) -> Answered:
    async with (
        open_council(agents) as council,
        council.stream("What is 17 + 25?", strategy=Vote(**options)) as run,
    ):
        async for _ in run:
            pass
    return mark(question("42", "number", "What is 17 + 25?"), run.result)


async def test_replies_are_marked_one_by_one() -> None:
    found = await outcome(
        ScriptedAgent("a", "It is 42."),
        ScriptedAgent("b", "It is 42."),
        ScriptedAgent("c", "It is 43."),
        ScriptedAgent("d", "I cannot help with that."),
        ScriptedAgent("e", ["It is 42", StreamError("cut off")]),
    )
    assert found.verdict == "right"
    assert found.verdicts == ("right", "right", "wrong", "abstained", "failed")
    assert [found.of_expert(id) for id in "ae"] == [["right"], ["failed"]]


async def test_dissent_in_a_written_answer_is_not_the_answer() -> None:
    # Without a synthesizer the experts write, the first one first.
    panel = [ScriptedAgent("a", "Tokyo.\n\nDissent: one said Kyoto."), ScriptedAgent("b", "Kyoto.")]
    async with open_council(panel, strategy="synthesize") as council:
        result = await council.ask("Capital of Japan?")
    assert mark(question("Tokyo.", "exact"), result).verdict == "right"


async def test_a_run_that_failed_is_not_wrong() -> None:
    broken = [ScriptedAgent(id, StreamError("gone")) for id in "abc"]
    found = await outcome(*broken)
    assert found.verdict == "failed"
    assert found.verdicts == ("failed",) * 3


async def test_a_panel_whose_answers_hold_nothing_abstains() -> None:
    agents = [ScriptedAgent(id, "Many.") for id in "abc"]
    found = await outcome(*agents, extract=NumberExtractor())
    assert found.result.answer is None
    assert found.verdict == "abstained"
    assert found.verdicts == ("abstained",) * 3


async def test_a_filtered_reply_abstains_though_its_text_would_do() -> None:
    filtered = ScriptedAgent(
        "a", [ChatToken("It is 42."), ChatToken(finish_reason="content_filter")]
    )
    found = await outcome(filtered, ScriptedAgent("b", "42"), ScriptedAgent("c", "42"))
    assert found.verdicts == ("abstained", "right", "right")


async def test_a_reply_that_nobody_waited_for_has_no_verdict() -> None:
    from anyio import sleep_forever

    async with (
        open_council([ScriptedAgent("a", "42"), ScriptedAgent("b", [sleep_forever])]) as council,
        council.stream("What is 17 + 25?", strategy="first") as run,
    ):
        async for _ in run:
            pass
    found = mark(question("42", "number"), run.result)
    assert found.verdict == "right"
    assert found.verdicts == ("right", None)
    assert found.of_expert("b") == []
