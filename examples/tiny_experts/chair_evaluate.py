"""Measure the chair on held-out questions, with what the three experts reply to them.

Examples:
    python -m examples.tiny_experts.chair_evaluate --chair runs/chair/chair.gguf
    python -m examples.tiny_experts.chair_evaluate --chair /tmp/chair.gguf --count 10 --seed 2
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from backend import builtin
from examples.tiny_experts.chair_answers import Case
from examples.tiny_experts.chair_measures import (
    Ask,
    Line,
    measure_debate,
    measure_judge,
    measure_orders,
    measure_pairs,
    measure_rank,
    measure_synthesis,
)
from examples.tiny_experts.corpus import NAMES
from examples.tiny_experts.evaluate import Asker, held_out_questions, majority, table_row
from examples.tiny_experts.question_file import ASKED

_REPLY_TOKENS = 120
_COLUMNS = ("asked for", "counted", "chair", "majority of three", "by lot", "of")


def held_out_cases(experts: dict[str, Asker], count: int, seed: int) -> list[Case]:
    """Put held-out questions to the experts.

    Args:
        experts: The experts by name.
        count: Questions per field; small talk, which has no held-out part, is left out.
        seed: Equal seeds give equal questions.
    """
    return [
        Case(field, "", question, answer, tuple(each.ask(question) for each in experts.values()))
        for field in ASKED
        for question, answer in held_out_questions(field, count, seed)
    ]


def _alone(ask: Ask, cases: Sequence[Case]) -> Line:
    """The chair as one more expert, next to the others' mean and their majority."""
    right = sum(ask(case.question) == case.answer for case in cases)
    most = sum(majority(case.replies) == case.answer for case in cases)
    mean = sum(case.replies.count(case.answer) / len(case.replies) for case in cases)
    return Line("the question alone", "right", right, len(cases), most, mean)


def lines(
    ask: Ask, cases: Sequence[Case], seed: int, experts: dict[str, Asker] | None = None
) -> Iterator[Line]:
    """Take all measures, one after the other.

    Args:
        ask: The chair.
        cases: Held-out questions with the experts' replies.
        seed: Seed of the orders in which answers are shown.
        experts: Experts whose own revising is measured too.

    Yields:
        The lines of the table as they come.
    """
    yield from measure_rank(ask, cases, seed)
    yield from measure_judge(ask, "pick", cases, seed)
    yield from measure_judge(ask, "score", cases, seed)
    yield from measure_pairs(ask, cases, seed)
    yield from measure_synthesis(ask, cases, seed)
    yield from measure_debate(ask, cases, seed)
    for name, expert in (experts or {}).items():
        yield from measure_debate(_asking(expert), cases, seed, f", {name} in its place")
    yield from measure_orders(ask, cases, seed)
    yield _alone(ask, cases)


def _asking(asker: Asker) -> Ask:
    return partial(asker.ask, tokens=_REPLY_TOKENS)


def _share(count: float | None, of: int) -> str:
    return "" if count is None or not of else f"{count / of:.1%}"


def show(line: Line) -> str:
    """Lay out one line of the table, its counts as shares."""
    shares = (_share(each, line.of) for each in (line.chair, line.majority, line.chance))
    return table_row((line.task, line.measure, *shares, str(line.of)))


def main() -> None:
    """Evaluate from the command line."""
    parser = argparse.ArgumentParser(
        description="Print what the chair makes of the experts' answers to held-out questions.",
        epilog=(__doc__ or "").partition("Examples:\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=50, help="questions per field (default: 50)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the questions (default: 1)")
    parser.add_argument("--threads", type=int, default=1, help="processor threads (default: 1)")
    parser.add_argument("--chair", type=Path, required=True, help="the chair's GGUF file")
    given = parser.parse_args()
    experts = {name: Asker(builtin.path(name), given.threads) for name in NAMES}
    chair = Asker(given.chair, given.threads)
    cases = held_out_cases(experts, given.count, given.seed)
    print(table_row(_COLUMNS))
    print(table_row(("---", "---", *["---:"] * 4)))
    for line in lines(_asking(chair), cases, given.seed, experts):
        print(show(line), flush=True)


if __name__ == "__main__":
    main()
