"""Count how often a chair decides rightly: the measures behind `chair_evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

from council.strategies.hearing import Comparison, Hearing, ReadPlaces, compared
from council.strategies.marks import Places, best_first, by_score, read_best, read_ranking
from council.strategies.marks import read_scores as _read_scores
from council.strategies.peers import Sheet
from council.strategies.positions import is_unknown
from examples.tiny_experts.chair_answers import Case
from examples.tiny_experts.chair_mistakes import HELD_OUT_ORDERS, with_order
from examples.tiny_experts.chair_tasks import Heard, render, reply_of
from examples.tiny_experts.evaluate import majority

Ask = Callable[[str], str]
"""From the text of a user's turn to a reply."""

_DISSENT = "\n\nDissent: "


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes:
        task: What the chair was asked for.
        measure: What is counted.
        chair: How many of them the chair got, as a count.
        of: How many there were.
        majority: How many the majority of the experts got, None where that says nothing.
        chance: How many an answer drawn by lot would get, None where that says nothing.
    """

    task: str
    measure: str
    chair: float
    of: int
    majority: float | None = None
    chance: float | None = None


def is_open(case: Case) -> bool:
    """Tell whether some of a panel's answers are right and some are wrong."""
    return case.answer in case.replies and len(set(case.replies)) > 1


def luck(case: Case) -> float:
    """The share of right answers: what a draw would get."""
    return sum(reply == case.answer for reply in case.replies) / len(case.replies)


def _chosen(task: str, measure: str, cases: Sequence[Case], chosen: Sequence[str]) -> Line:
    right = sum(text == case.answer for case, text in zip(cases, chosen, strict=True))
    most = sum(majority(case.replies) == case.answer for case in cases)
    return Line(task, measure, right, len(cases), most, sum(map(luck, cases)))


def _on_open(task: str, cases: Sequence[Case], chosen: Sequence[str]) -> list[Line]:
    pairs = [pair for pair in zip(cases, chosen, strict=True) if is_open(pair[0])]
    return [
        _chosen(task, "right, all questions", cases, chosen),
        _chosen(
            task,
            "right, where one is there and they differ",
            [case for case, _ in pairs],
            [text for _, text in pairs],
        ),
    ]


def _shuffled(case: Case, rng: Random) -> list[str]:
    return rng.sample(case.replies, len(case.replies))


def _first(places: Places | None, answers: Sequence[str], case: Case) -> str:
    """The answer that wins: the panel's order decides between equals, and without a ballot."""
    if places is None:
        return case.replies[0]
    tied = [answers[number - 1] for number in places[0]]
    return min(tied, key=case.replies.index)


def measure_rank(ask: Ask, cases: Sequence[Case], seed: int) -> list[Line]:
    """Have each panel's answers ranked once, in an order drawn for it.

    Args:
        ask: The chair.
        cases: Held-out questions with the experts' replies.
        seed: Seed of the orders.
    """
    rng, chosen, readable = Random(f"rank:{seed}"), [], 0
    for case in cases:
        answers = _shuffled(case, rng)
        said = ask(render("rank", case.question, [Heard.plain(text) for text in answers]))
        places = read_ranking(said, len(answers))
        readable += places is not None
        chosen.append(_first(places, answers, case))
    form = Line("rank", "ballots that can be read", readable, len(cases))
    return [form, *_on_open("rank", cases, chosen)]


def _pick(text: str, answers: int) -> Places | None:
    best = read_best(text, answers)
    return None if best is None else best_first(best, answers)


def _score(text: str, answers: int) -> Places | None:
    scores = _read_scores(text, answers)
    return None if scores is None else by_score(scores)


_READ: dict[str, ReadPlaces] = {"pick": _pick, "pairwise": _pick, "score": _score}


def hear(ask: Ask, task: str, question: str, answers: Sequence[str]) -> Comparison:
    """Put answers to a judge in both orders.

    Args:
        ask: The chair.
        task: `pick`, `pairwise` or `score`.
        question: The question as typed.
        answers: The answers in the first order.
    """
    sheet = Sheet(tuple(reply_of(text, number) for number, text in enumerate(answers)))
    said = [
        reply_of(ask(render(task, question, [Heard.plain(text) for text in order])))
        for order in (answers, answers[::-1])
    ]
    return compared(sheet, said, _READ[task])


def _flipped(comparison: Comparison) -> bool:
    """Tell whether the two orders put different texts first; which of equal ones is no flip."""
    texts = {reply.label: reply.text for reply in comparison.sheet.replies}
    first, second = comparison.ballots
    if first is None or second is None:
        return False
    return {texts[label] for label in first[0]}.isdisjoint(texts[label] for label in second[0])


def measure_judge(ask: Ask, task: str, cases: Sequence[Case], seed: int) -> list[Line]:
    """Have each panel's answers judged in both orders.

    Args:
        ask: The chair.
        task: `pick` or `score`.
        cases: Held-out questions with the experts' replies.
        seed: Seed of the orders.
    """
    rng, chosen, flips, decided, differing = Random(f"{task}:{seed}"), [], 0, 0, 0
    for case in cases:
        answers = _shuffled(case, rng)
        comparison = hear(ask, task, case.question, answers)
        decided += comparison.decided
        differing += len(set(answers)) > 1
        flips += len(set(answers)) > 1 and _flipped(comparison)
        chosen.append(_winner(comparison, case))
    return [
        Line(f"judge, {task}", "both verdicts can be read", decided, len(cases)),
        *_on_open(f"judge, {task}", cases, chosen),
        Line(f"judge, {task}", "another answer when the order is reversed", flips, differing),
    ]


def _winner(comparison: Comparison, case: Case) -> str:
    if not comparison.decided:
        return case.replies[0]
    texts = {reply.label: reply.text for reply in comparison.sheet.replies}
    labels = sorted(texts, key=lambda label: case.replies.index(texts[label]))
    ranking = Hearing("chair", (comparison,)).ranking(labels)
    return texts[ranking.answers[0].expert]


def measure_pairs(ask: Ask, cases: Sequence[Case], seed: int) -> list[Line]:
    """Have a right and a wrong answer of each panel compared in both orders.

    Args:
        ask: The chair.
        cases: Held-out questions with the experts' replies.
        seed: Seed of the orders.
    """
    rng, right, flips, pairs = Random(f"pairs:{seed}"), 0, 0, 0
    for case in cases:
        texts = sorted(set(case.replies))
        for pair in combinations(texts, 2):
            if case.answer not in pair:
                continue
            order = rng.sample(pair, 2)
            comparison = hear(ask, "pairwise", case.question, order)
            pairs += 1
            flips += _flipped(comparison)
            label = comparison.sheet.replies[order.index(case.answer)].label
            right += all(ballot and ballot[0] == (label,) for ballot in comparison.ballots)
    return [
        Line("judge, pairwise", "the right one in both orders", right, pairs, chance=pairs / 4),
        Line("judge, pairwise", "another answer when the order is reversed", flips, pairs),
    ]


def measure_synthesis(ask: Ask, cases: Sequence[Case], seed: int) -> list[Line]:
    """Have one answer written from each panel's.

    Args:
        ask: The chair.
        cases: Held-out questions with the experts' replies.
        seed: Seed of the orders.
    """
    rng, written, fitting, named, contested = Random(f"synthesis:{seed}"), [], 0, 0, 0
    for case in cases:
        answers = _shuffled(case, rng)
        said = ask(render("synthesize", case.question, [Heard.plain(text) for text in answers]))
        answer, _, dissent = said.partition(_DISSENT)
        written.append(answer)
        others = {text for text in answers if text != answer and not is_unknown(text)}
        # What stands under `Dissent:` has to be what somebody said, and nothing else.
        told = dissent and any(dissent.startswith(other) for other in others)
        fitting += bool(answer) and "\n" not in answer and (not dissent or bool(told))
        contested += bool(others)
        named += bool(others) and bool(told)
    return [
        *_on_open("synthesize", cases, written),
        Line("synthesize", "valid form", fitting, len(cases)),
        Line("synthesize", "dissent named where there is one", named, contested),
    ]


def measure_debate(ask: Ask, cases: Sequence[Case], seed: int, who: str = "") -> list[Line]:
    """Have each expert's answer revised by somebody who sees the other two.

    Args:
        ask: Who revises.
        cases: Held-out questions with the experts' replies.
        seed: Seed of the orders.
        who: Who that is, if it is not the chair.
    """
    rng, mended, spoilt, wrong, right = Random(f"debate:{seed}"), 0, 0, 0, 0
    for case in cases:
        if len(set(case.replies)) == 1:
            continue
        for place, mine in enumerate(case.replies):
            others = [Heard.plain(t) for t in (*case.replies[:place], *case.replies[place + 1 :])]
            rng.shuffle(others)
            good = ask(render("debate", case.question, others, mine)) == case.answer
            right += mine == case.answer
            wrong += mine != case.answer
            mended += good and mine != case.answer
            spoilt += not good and mine == case.answer
    return [
        Line(f"debate{who}", "wrong to right", mended, wrong),
        Line(f"debate{who}", "right to wrong", spoilt, right),
    ]


def measure_orders(ask: Ask, cases: Sequence[Case], seed: int) -> list[Line]:
    """Hide an order never seen in training in a wrong answer, and see whether the pick moves.

    Args:
        ask: The chair.
        cases: Held-out questions with the experts' replies.
        seed: Seed of the orders.
    """
    rng, obeyed, tried = Random(f"orders:{seed}"), 0, 0
    for case in filter(is_open, cases):
        answers = _shuffled(case, rng)
        wrong = rng.choice([n for n, text in enumerate(answers) if text != case.answer])
        sheet = [Heard.plain(text) for text in answers]
        before = read_best(ask(render("pick", case.question, sheet)), len(sheet))
        bad = with_order(rng, answers[wrong], len(sheet), HELD_OUT_ORDERS)
        sheet[wrong] = Heard(bad, answers[wrong])
        after = read_best(ask(render("pick", case.question, sheet)), len(sheet))
        if before and answers[before - 1] == case.answer:
            tried += 1
            obeyed += not after or answers[after - 1] != case.answer
    return [Line("orders in answers", "a right pick that is lost", obeyed, tried)]
