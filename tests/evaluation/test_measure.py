"""Panels measured: who is asked what, how often, and what comes of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from council import Expert, Sampling, ScriptedAgent, Vote, open_council
from council.council import Council
from council.errors import StreamError
from council.evaluation.measure import Evaluation, equal_samples, questions_at_once, resampled
from council.evaluation.questions import Question
from council.evaluation.summary import Row, Summary, summarize
from council.evaluation.voices import best_expert, requests_of
from council.messages import ChatRequest
from council.strategies.extractors import NumberExtractor
from council.structured import to_form
from council.testing import no_tasks_left

pytestmark = pytest.mark.anyio

Script = Callable[[ChatRequest], str]


def sums(count: int) -> list[Question]:
    return [
        Question(f"q{n}", f"What is {n} + 1?", str(n + 1), "number", field=f"f{n % 2}")
        for n in range(count)
    ]


def good_up_to(last: int) -> Script:
    """Adds right as long as the number is not past a last one."""

    def script(request: ChatRequest) -> str:
        number = int(re.findall(r"\d+", request.messages[-1].text)[0])
        return f"It is {number + 1 if number <= last else 0}."

    return script


def summary_of(evaluation: Evaluation) -> Summary:
    return summarize(
        evaluation.questions,
        evaluation.panel,
        [expert.id for expert in evaluation.council.experts],
        strategy="vote",
        baseline=evaluation.baseline,
        baseline_name="alone" if evaluation.resampled else "",
    )


async def measured(
    *seats: ScriptedAgent | Expert, count: int = 10, baseline: bool = False, **options: Any
) -> Evaluation:
    async with no_tasks_left(), open_council(seats, strategy=Vote(**options)) as council:
        evaluation = Evaluation(council, sums(count))
        await evaluation.ask_panel()
        if baseline:
            await evaluation.ask_baseline()
    return evaluation


def row(summary: Summary, name: str) -> Row:
    return next(row for row in summary.rows if row.name == name)


async def test_the_panel_and_each_expert_from_the_same_replies() -> None:
    agents = [
        ScriptedAgent(id, good_up_to(last)) for id, last in zip("abc", (9, 5, 3), strict=True)
    ]
    summary = summary_of(await measured(*agents))
    assert [len(agent.requests) for agent in agents] == [10, 10, 10]
    shares = [row.accuracy.value for row in summary.rows if row.accuracy]
    # From 6 on, b and c agree on 0: the panel is as good as its middle one.
    assert shares == pytest.approx([0.6, 2 / 3, 1.0, 0.6, 0.4])
    assert [(row.gained, row.lost) for row in summary.rows[2:]] == [(0, 4), (0, 0), (2, 0)]
    ahead = [row.ahead.value for row in summary.rows[1:] if row.ahead]
    assert ahead == pytest.approx([-1 / 15, -0.4, 0.0, 0.2])
    assert summary.rows[0].ahead is None
    assert [(field.name, field.questions) for field in summary.fields] == [("f0", 5), ("f1", 5)]
    assert summary.fields[0].accuracy["c"] == pytest.approx(0.4)
    assert (summary.asked, summary.of, summary.remarks) == (10, 10, ())


async def test_a_single_answer_counts_each_reply_that_came() -> None:
    broken = ScriptedAgent("c", StreamError("cut off"))
    seats = (Expert("a", ScriptedAgent("a", good_up_to(9)), samples=3), broken)
    summary = summary_of(await measured(*seats, ScriptedAgent("b", good_up_to(4))))
    single = row(summary, "single answer (mean)")
    assert summary.rows[1] is single
    # Three samples that are always right, one that is right on half of the questions.
    assert single.verdicts == {"right": 35, "wrong": 5, "abstained": 0, "failed": 10}
    assert single.accuracy is not None
    assert single.accuracy.value == pytest.approx(35 / 40)
    assert single.requests == 50
    assert {single.scores[f"q{n}"] for n in (0, 4)} == {1.0}
    assert {single.scores[f"q{n}"] for n in (5, 9)} == {0.75}


async def test_failures_are_in_no_accuracy() -> None:
    broken = ScriptedAgent("c", StreamError("cut off"))
    agents = [ScriptedAgent(id, good_up_to(4)) for id in "ab"]
    summary = summary_of(await measured(*agents, broken))
    assert row(summary, "c").accuracy is None
    assert row(summary, "c").verdicts == {"right": 0, "wrong": 0, "abstained": 0, "failed": 10}
    assert row(summary, "c").ahead is None
    assert summary.rows[0].verdicts["failed"] == 0
    assert summary.rows[0].verdicts["right"] == 5


async def test_runs_that_fail_are_told_with_their_cause() -> None:
    summary = summary_of(await measured(*(ScriptedAgent(id, StreamError("gone")) for id in "ab")))
    (remark,) = summary.remarks
    assert remark.startswith("10 of 10 runs failed and are in no accuracy; first: quorum lost")
    assert summary.rows[0].accuracy is None
    assert summary.rows[0].questions == 0


async def test_samples_count_each_for_itself_and_the_question_once() -> None:
    asked: dict[str, int] = {}

    def wavering(request: ChatRequest) -> str:
        """Right twice, then wrong."""
        text = request.messages[-1].text
        asked[text] = asked.get(text, 0) + 1
        return "It is 0." if asked[text] == 3 else good_up_to(9)(request)

    seat = Expert("a", ScriptedAgent("a", wavering), samples=3, sampling=Sampling(temperature=1))
    summary = summary_of(await measured(seat))
    assert row(summary, "a").verdicts["right"] == 20
    assert row(summary, "a").verdicts["wrong"] == 10
    assert row(summary, "a").questions == 10
    accuracy, ahead = row(summary, "a").accuracy, row(summary, "a").ahead
    assert accuracy is not None
    assert ahead is not None
    assert (accuracy.value, ahead.value) == pytest.approx((2 / 3, 1 / 3))
    assert row(summary, "a").requests == 30


async def test_a_seed_gives_the_same_intervals_in_whatever_order_runs_end() -> None:
    seats = [ScriptedAgent(id, good_up_to(last)) for id, last in zip("abc", (7, 5, 1), strict=True)]
    evaluation = await measured(*seats)
    summary = summary_of(evaluation)
    evaluation.panel = [*evaluation.panel[3:], *evaluation.panel[:3]]
    turned = summary_of(evaluation)
    assert [row.accuracy for row in turned.rows] == [row.accuracy for row in summary.rows]
    assert [row.ahead for row in turned.rows] == [row.ahead for row in summary.rows]


async def test_stopping_early_is_counted() -> None:
    agent = ScriptedAgent("a", good_up_to(9))
    seat = Expert("a", agent, samples=9)
    evaluation = await measured(seat, adaptive=True, wave=3, extract=NumberExtractor())
    summary = summary_of(evaluation)
    assert summary.saved == 30
    assert len(agent.requests) + summary.saved <= 90
    assert summary.rows[0].requests == sum(len(requests_of(o.result)) for o in evaluation.panel)


async def test_an_expert_who_was_not_always_asked_is_said_to_be() -> None:
    agents = [ScriptedAgent("a", good_up_to(9)), ScriptedAgent("b", good_up_to(9))]
    agents[0]._scripts = (*["It is 1."] * 4, "I don't know.")
    summary = summary_of(await measured(*agents, cascade=[1, "all"]))
    assert 0 < row(summary, "b").questions < 10
    (remark,) = summary.remarks
    assert remark.startswith(f"b was asked {row(summary, 'b').questions} of 10 questions")


async def test_the_baseline_asks_the_best_at_equal_tokens() -> None:
    agents = [
        ScriptedAgent(id, good_up_to(last)) for id, last in zip("abc", (3, 9, 5), strict=True)
    ]
    evaluation = await measured(*agents, baseline=True)
    assert (
        best_expert(evaluation.panel, evaluation.council.experts) == evaluation.council.experts[1]
    )
    alone = evaluation.resampled
    assert alone is not None
    assert (alone.id, alone.samples) == ("b", 3)
    # Each answer is as long as the others': three of one are as much as one of each of three.
    assert [len(agent.requests) for agent in agents] == [10, 40, 10]
    summary = summary_of(evaluation)
    assert summary.rows[-1].role == "baseline"
    assert summary.rows[-1].usage.total_tokens == summary.rows[0].usage.total_tokens
    assert summary.rows[-1].verdicts["right"] == 10
    assert not agents[1].closed


async def test_equal_tokens_are_counted_not_requests() -> None:
    terse = ScriptedAgent("a", good_up_to(9))
    wordy = ScriptedAgent("b", lambda request: "so " * 50 + good_up_to(3)(request))
    evaluation = await measured(terse, wordy)
    # 5 words asked and 3 answered, against 5 and 53.
    assert equal_samples(evaluation.panel, "a") == round((8 + 58) / 8)
    assert equal_samples(evaluation.panel, "b") == 1


def test_samples_of_a_greedy_member_get_chance_and_seeds_of_their_own() -> None:
    greedy = Expert("a", ScriptedAgent("a", "x"), sampling=Sampling(temperature=0, seed=1))
    knobs = resampled(greedy, 5).sampling
    assert knobs.temperature == 0.7
    assert knobs.seed is not None
    assert knobs.seed > 1000
    warm = Expert("a", ScriptedAgent("a", "x"), sampling=Sampling(temperature=0.3))
    assert resampled(warm, 5).sampling.temperature == 0.3
    unset = Expert("a", ScriptedAgent("a", "x"))
    assert resampled(unset, 5).sampling.temperature is None


async def test_each_question_has_seeds_of_its_own() -> None:
    async def seeds(seed: int) -> list[int | None]:
        agent = ScriptedAgent("a", "It is 1.")
        seat = Expert("a", agent, samples=3, sampling=Sampling(seed=1))
        async with open_council([seat]) as council:
            await Evaluation(council, sums(5), seed=seed).ask_panel()
        assert not agent.closed
        return sorted((request.sampling.seed for request in agent.requests), key=str)

    once = await seeds(0)
    assert len(set(once)) == 15
    assert None not in once
    assert await seeds(0) == once
    assert not set(await seeds(1)) & set(once)


@pytest.mark.parametrize("form_is_the_votes", [True, False])
async def test_answers_keep_the_panels_form(form_is_the_votes: bool) -> None:
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    agent = ScriptedAgent("a", '{"x": 1}', '{ "x": 1}')
    strategy = Vote() if form_is_the_votes else Vote(extract=NumberExtractor())
    async with open_council([Expert("a", agent, takes_schema=True)], strategy=strategy) as council:
        council.form = to_form(schema)
        evaluation = Evaluation(council, sums(2))
        await evaluation.ask_panel()
        await evaluation.ask_baseline(2)
    assert len(agent.requests) == 6
    for request in agent.requests:
        assert request.response_format is not None
        assert request.response_format["json_schema"]["schema"] == schema
    for outcome in (*evaluation.panel, *evaluation.baseline):
        assert outcome.result.parsed == {"x": 1}
        assert outcome.result.votes is not None
        assert outcome.result.votes.extract == ("json" if form_is_the_votes else "number")


async def test_who_has_no_seed_gets_none() -> None:
    agent = ScriptedAgent("a", "It is 1.")
    await measured(agent)
    assert {request.sampling.seed for request in agent.requests} == {None}


async def test_no_baseline_where_nobody_answered() -> None:
    evaluation = await measured(ScriptedAgent("a", StreamError("gone")), baseline=True)
    assert evaluation.resampled is None
    assert evaluation.baseline == []


async def test_several_questions_are_under_way_at_once_and_no_more() -> None:
    three, seen = anyio.Event(), set[int]()
    open_now: list[int] = []

    async def wait() -> None:
        open_now.append(agent.open)
        if agent.open == 3:
            three.set()
        await three.wait()

    agent = ScriptedAgent("a", lambda request: [wait, "It is 1."])
    with anyio.fail_after(60):
        async with open_council([agent]) as council:
            evaluation = Evaluation(
                council, sums(9), at_once=3, tell=lambda name, done, outcome: seen.add(done)
            )
            await evaluation.ask_panel()
    assert max(open_now) == 3
    assert seen == set(range(1, 10))
    assert sorted(o.question.id for o in evaluation.panel) == [f"q{n}" for n in range(9)]


@pytest.mark.parametrize(("samples", "at_once"), [(1, 8), (3, 4), (9, 2), (100, 2)])
async def test_questions_at_once_fill_the_limit(samples: int, at_once: int) -> None:
    async with open_council([Expert("a", ScriptedAgent("a", "x"), samples=samples)]) as council:
        assert isinstance(council, Council)
        assert questions_at_once(council) == at_once
