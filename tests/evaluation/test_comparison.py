"""What is said of a panel, and of several on the same questions: no more than the intervals do."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from council.evaluation.comparison import Measured, compare, comparison_markdown, pictured
from council.evaluation.findings import findings, told
from council.evaluation.questions import Question
from council.evaluation.scoring import mark
from council.evaluation.statistics import Interval
from council.evaluation.summary import Summary, summarize
from council.messages import Usage
from council.replies import Reply, Timings
from council.result import Result

COUNT = 40


def reply(id: str, sample: int, *, right: bool) -> Reply:
    return Reply(
        id=id,
        model="m",
        sample=sample,
        stage="answer",
        status="complete",
        text="It is 1." if right else "It is 0.",
        reasoning="",
        finish_reason="stop",
        error=None,
        usage=Usage(6, 4),
        timings=Timings(0.1, 0.2),
    )


def summary_of(
    panel: Sequence[bool], saved: int = 0, **experts: Sequence[Sequence[bool]]
) -> Summary:
    """A panel and its experts, by who was right: for each question, and each of its samples."""
    questions = [Question(f"q{n:02}", "?", "1", "number") for n in range(len(panel))]
    outcomes = []
    for n, question in enumerate(questions):
        replies = tuple(
            reply(id, sample, right=right)
            for id, answers in experts.items()
            for sample, right in enumerate(answers[n])
        )
        outcomes.append(mark(question, result(replies, right=panel[n], saved=saved)))
    return summarize(questions, outcomes, list(experts), strategy="vote")


def result(replies: tuple[Reply, ...], *, right: bool, saved: int) -> Result:
    return Result(
        run_id="r",
        question="?",
        answer="It is 1." if right else "It is 0.",
        status="complete",
        reasons=(),
        strategy="vote",
        experts=replies,
        decider=None,
        votes=None,
        agreement=None,
        dissent=(),
        usage=Usage(6 * len(replies), 4 * len(replies)),
        warnings=(),
        seconds=0.2,
        error=None,
        saved=saved,
    )


def first(right: int) -> list[bool]:
    """Right on the first questions."""
    return [n < right for n in range(COUNT)]


def singles(right: int) -> list[list[bool]]:
    return [[value] for value in first(right)]


def test_a_panel_against_a_single_answer_and_its_best_member() -> None:
    summary = summary_of(first(36), a=singles(20), b=singles(12), c=singles(8))
    single, best = findings(summary)
    assert single.startswith(
        "panel 90.0% (76.9 to 96.0) against a single answer of it, on average 33.3%"
    )
    assert ": +56.7 points (+" in single
    assert single.endswith("; the two intervals do not overlap.")
    assert "against its best member, a 50.0% (35.2 to 64.8): +40.0 points (+" in best
    assert best.endswith(", shown to be ahead. Which one is best is known in hindsight.")


def test_intervals_that_overlap_are_said_to() -> None:
    single, best = findings(summary_of(first(21), a=singles(20), b=singles(18)))
    assert single.endswith("; the two intervals overlap.")
    assert "not shown to differ" in best
    _, behind = findings(summary_of(first(10), a=singles(30), b=singles(0)))
    assert "shown to be behind" in behind


def test_samples_of_one_expert_are_single_answers() -> None:
    wavering = [[True, n < 10, False] for n in range(COUNT)]
    (only,) = findings(summary_of(first(40), a=wavering))
    assert "a single answer of it, on average 41.7%" in only
    _, best = findings(summary_of(first(40), a=wavering, b=singles(2)))
    assert "against its best member, a single answer of a, on average 41.7%" in best


def test_nothing_is_found_where_there_is_nothing_to_compare() -> None:
    assert findings(summary_of(first(40), a=singles(40))) == []
    early = summary_of(first(30), saved=2, a=singles(20), b=singles(10))
    assert findings(early) == []
    assert findings(summary_of([], a=[], b=[])) == []


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.01, 0.2, "shown to be ahead"),
        (0.0, 0.2, "not shown to differ"),
        (-0.1, 0.1, "not shown to differ"),
        (-0.1, 0.0, "not shown to differ"),
        (-0.2, -0.01, "shown to be behind"),
    ],
)
def test_what_a_difference_allows_to_say(low: float, high: float, words: str) -> None:
    assert told(Interval((low + high) / 2, low, high)) == words


def three() -> list[Measured]:
    """A panel with samples, the same one stopped early, and one of single answers."""
    samples = [[n < 20, n < 30] for n in range(COUNT)]
    return [
        Measured("all", summary_of(first(30), a=samples, b=samples)),
        Measured("early", summary_of(first(29), saved=1, a=singles(30), b=singles(20))),
        Measured("greedy", summary_of(first(34), a=singles(36), b=singles(24))),
    ]


def test_panels_are_compared_with_the_first_in_points_and_tokens() -> None:
    comparison = compare(three(), seed=0)
    assert comparison.first == "all"
    # Experts of the one that stopped early were asked what the others disagreed on.
    assert [(row.panel, row.name) for row in comparison.rows] == [
        *(("all", name) for name in ("panel (vote)", "single answer (mean)", "a", "b")),
        ("early", "panel (vote)"),
        *(("greedy", name) for name in ("panel (vote)", "single answer (mean)", "a", "b")),
    ]
    assert comparison.rows[0].ahead is None
    ahead = [row.ahead.value for row in comparison.rows if row.ahead]
    assert ahead == pytest.approx(
        [-5 / 40, -5 / 40, -5 / 40, -1 / 40, 4 / 40, 0.0, 6 / 40, -6 / 40]
    )
    tokens = {(row.panel, row.name): (row.tokens, row.ratio) for row in comparison.rows}
    assert tokens["all", "panel (vote)"] == (40.0, 1.0)
    assert tokens["all", "a"] == (10.0, 0.25)
    assert tokens["early", "panel (vote)"] == (20.0, 0.5)


def test_the_comparison_in_words() -> None:
    early, greedy, best = compare(three(), seed=0).findings
    assert early.startswith(
        "early 72.5% (57.2 to 83.9) against all 75.0% (59.8 to 85.8): -2.5 points"
    )
    assert early.endswith(", not shown to differ, for 50% of its tokens.")
    assert greedy.startswith("greedy 85.0% ")
    assert best.startswith("the others' best member, greedy: a 90.0% ")
    assert best.endswith(", shown to be ahead, for 25% of its tokens.")


def test_the_comparison_as_a_table() -> None:
    text = comparison_markdown(compare(three(), seed=0), "q.jsonl")
    title, table, notes = text.split("\n\n")
    assert title == "**Compared** with all on q.jsonl"
    lines = table.splitlines()
    assert len(lines) == 2 + 9
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2] == "| all: panel (vote) | 75.0% | 59.8 to 85.8 | – | – | 40.0 | 100% |"
    assert lines[6].startswith("| early: panel (vote) | 72.5% | 57.2 to 83.9 | -2.5 | ")
    assert len(notes.splitlines()) == 4


def test_a_picture_of_several_names_their_panels() -> None:
    measured = three()
    assert pictured(measured[:1]) == list(measured[0].summary.rows)
    names = [row.name for row in pictured(measured)]
    assert names[:2] == ["all", "all: single answer (mean)"]
    assert names[4:6] == ["early", "greedy"]


def test_a_panel_without_answers_has_no_difference() -> None:
    silent = Measured("silent", summary_of([], a=[]))
    comparison = compare([silent, three()[0]], seed=0)
    assert [row.ahead for row in comparison.rows] == [None] * len(comparison.rows)
    assert [row.ratio for row in comparison.rows] == [None] * len(comparison.rows)
    assert comparison.findings == ()
