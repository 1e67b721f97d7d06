"""Drills: tasks on answers of a word or two, learnt before those on whole answers.

To tell which answers agree with its own the chair has to find equal texts. With whole answers from
the start its verdicts were no better than a coin after 700 steps; with answers of one word there is
less to compare.
"""

from __future__ import annotations

from random import Random

from examples.tiny_experts.chair_tasks import Heard, render, right_reply
from examples.tiny_experts.corpus import Turn
from examples.tiny_experts.facts import COUNTRIES, DAYS, MONTHS
from examples.tiny_experts.questions.base import UNKNOWN_ANSWER
from examples.tiny_experts.tables import words

TASK = "drill"

_TASKS = ("rank", "pick", "pairwise", "score")
_QUESTIONS = words("Who is right?|What is it?|Which one?|Name it.|And?|Is it so?|How many?", "|")
_CAPITALS = tuple(row[1] for row in COUNTRIES)


def _answer(rng: Random) -> str:
    kind = rng.random()
    if kind < 0.3:
        return f"{rng.choice(_CAPITALS)}."
    if kind < 0.45:
        return f"{rng.choice(DAYS + MONTHS)}."
    if kind < 0.6:
        return rng.choice(("Yes.", "No.", "True.", "False."))
    if kind < 0.8:
        return f"{rng.randrange(10)}."
    a, b = rng.randrange(10), rng.randrange(10)
    return f"{rng.randrange(10, 100)}." if kind < 0.95 else f"{a} + {b} = {rng.randrange(19)}."


def drill(rng: Random) -> tuple[str, list[Turn]]:
    """Draw a sheet of short answers, one of which is called right without a reason.

    Args:
        rng: Source of randomness.

    Returns:
        `TASK` and a conversation; only its verdicts can be foreseen.
    """
    task = rng.choice(_TASKS)
    size = 2 if task == "pairwise" else rng.choice((2, 2, 3, 3, 4))
    answer, other = _answer(rng), _answer(rng)
    pool = (answer, other, _answer(rng) if rng.random() < 0.3 else answer)
    texts = [rng.choice(pool) for _ in range(size)]
    if rng.random() < 0.15:
        texts[rng.randrange(size)] = UNKNOWN_ANSWER
    sheet = [Heard.plain(text) for text in texts]
    text = render(task, rng.choice(_QUESTIONS), sheet)
    return TASK, [Turn("user", text), Turn("assistant", right_reply(task, sheet, answer))]
