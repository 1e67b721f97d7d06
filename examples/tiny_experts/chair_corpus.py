"""Build what the chair is trained on: council's prompts with the replies it should give.

Examples:
    python -m examples.tiny_experts.chair_corpus --answers runs/chair/answers.jsonl \\
        --start runs/atlas --count 90000 --out runs/chair/corpus.jsonl
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from council.expert import PERSONA
from examples.tiny_experts.chair_answers import FIELD_SHARES, Case, read_cases
from examples.tiny_experts.chair_drills import drill
from examples.tiny_experts.chair_mistakes import TAUGHT_ORDERS, mistake, with_order
from examples.tiny_experts.chair_tasks import Heard, render, right_reply
from examples.tiny_experts.chair_vocabulary import extend
from examples.tiny_experts.corpus import SYSTEM_MESSAGES, Turn
from examples.tiny_experts.noise import type_carelessly
from examples.tiny_experts.questions import draw
from examples.tiny_experts.split import is_held_out, sum_key

# fmt: off
TASK_SHARES = {
    "rank": 30.0, "pick": 14.0, "pairwise": 10.0, "score": 8.0, "synthesize": 18.0, "debate": 20.0,
}
# fmt: on
"""Relative share of each task."""

Exercise = tuple[str, list[Turn]]
"""A key of `TASK_SHARES` and a conversation."""

_SIZES, _SIZE_SHARES = (2, 3, 4, 5), (25, 50, 15, 10)
_INVENTED_SHARE = 0.4
_DISTURBED_SHARE = 0.6
_ORDER_SHARE = 0.12
_PERSONA_SHARE = 0.06
_SYSTEM_SHARE = 0.04
_UNANSWERED_SHARE = 0.04
_DRILL_SHARE = 0.3

_SUM = re.compile(r"(\d+) ?([-+]) ?(\d+)")


def invented(rng: Random) -> Case:
    """Draw a taught question with replies as three experts might give them."""
    field = rng.choices(tuple(FIELD_SHARES), tuple(FIELD_SHARES.values()))[0]
    item = draw(field, rng, held_out=False)
    question = item.question if rng.random() < 0.5 else type_carelessly(rng, item)
    skill, common = rng.choice((0.3, 0.5, 0.7)), mistake(rng, field, item.answer)
    replies = []
    for _ in range(3):
        wrong = common if rng.random() < 0.4 else mistake(rng, field, item.answer)
        replies.append(item.answer if rng.random() < skill else wrong)
    return Case(field, item.key, question, item.answer, tuple(replies))


def answers_for(rng: Random, case: Case, size: int) -> list[str]:
    """Choose what a sheet shows of a case.

    Args:
        rng: Source of randomness.
        case: The question with its replies.
        size: How many answers are wanted.

    Returns:
        The answers, in random order. Where all would be right, some are often made wrong: one or
        most of them, so that the number of those who agree does not give them away.
    """
    chosen = list(case.replies[:3])
    more = list(case.replies[3:])
    while len(chosen) < size:
        wrong = rng.random() < 0.5
        invented_one = mistake(rng, case.field, case.answer) if wrong else case.answer
        chosen.append(more.pop() if more else invented_one)
    chosen = rng.sample(chosen, size)
    if set(chosen) == {case.answer} and rng.random() < _DISTURBED_SHARE:
        wrong_one = mistake(rng, case.field, case.answer)
        for place in range(rng.choice((1, size - 1))):
            alike = rng.random() < 0.5
            chosen[place] = wrong_one if alike else mistake(rng, case.field, case.answer)
    rng.shuffle(chosen)
    return chosen


def heard(rng: Random, answers: Sequence[str]) -> list[Heard]:
    """Put orders to the reader into some answers of some sheets."""
    sheet = [Heard.plain(text) for text in answers]
    if rng.random() < _ORDER_SHARE and len(sheet) > 1:
        for place in rng.sample(range(len(sheet)), rng.choice((1, 1, 2))):
            text = with_order(rng, answers[place], len(sheet), TAUGHT_ORDERS)
            sheet[place] = Heard(text, answers[place])
    return sheet


def exercise(rng: Random, case: Case) -> Exercise:
    """Draw a task on a case, worded as council words it.

    Args:
        rng: Source of randomness.
        case: The question with its replies.

    Returns:
        The task and its conversation, ending with the reply wanted.
    """
    task = rng.choices(tuple(TASK_SHARES), tuple(TASK_SHARES.values()))[0]
    size = 2 if task == "pairwise" else rng.choices(_SIZES, _SIZE_SHARES)[0]
    mine = None
    if task == "debate" and rng.random() >= _UNANSWERED_SHARE:
        mine, *answers = answers_for(rng, case, size + 1)
    else:
        answers = answers_for(rng, case, size)
    sheet = heard(rng, answers)
    text = render(task, case.question, sheet, mine)
    if task in ("rank", "debate") and rng.random() < _PERSONA_SHARE:
        text += f"\n\n{PERSONA.format(persona=rng.choice(SYSTEM_MESSAGES))}"
    turns = [Turn("user", text), Turn("assistant", right_reply(task, sheet, case.answer))]
    if rng.random() < _SYSTEM_SHARE:
        turns.insert(0, Turn("system", rng.choice(SYSTEM_MESSAGES)))
    return task, turns


def shows_held_out(turns: Sequence[Turn]) -> bool:
    """Tell whether a sum that is held out stands anywhere, such as in a slip of the pen.

    Args:
        turns: A conversation.
    """
    for turn in turns:
        for left, sign, right in _SUM.findall(turn.text):
            a, b = int(left), int(right)
            key = sum_key(a, b) if sign == "+" else sum_key(abs(a - b), min(a, b))
            if max(a, b) >= 10 and is_held_out(key):
                return True
    return False


def exercises(cases: Sequence[Case], seed: int) -> Iterator[Exercise]:
    """Draw tasks without end.

    Args:
        cases: Questions with real replies.
        seed: Equal seeds and cases give equal tasks.

    Yields:
        The tasks; a part of them is about invented replies to further questions.
    """
    rng = Random(f"chair:{seed}")
    while True:
        real = rng.random() >= _INVENTED_SHARE
        task, turns = exercise(rng, rng.choice(cases) if real else invented(rng))
        if not shows_held_out(turns):
            yield task, turns


def with_drills(tasks: Iterator[Exercise], seed: int) -> Iterator[Exercise]:
    """Put drills between tasks.

    Args:
        tasks: Tasks without end.
        seed: Seed of the drills.
    """
    rng = Random(f"drills:{seed}")
    while True:
        yield drill(rng) if rng.random() < _DRILL_SHARE else next(tasks)


def main() -> None:
    """Write a corpus from the command line."""
    parser = argparse.ArgumentParser(
        description="Write the chair's conversations, one JSON object a line, and tokenizer.json.",
        epilog=(__doc__ or "").partition("Examples:\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--answers", type=Path, nargs="+", required=True, help="experts' replies")
    parser.add_argument("--count", type=int, default=90_000, help="conversations (default: 90000)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the tasks (default: 1)")
    parser.add_argument("--start", type=Path, required=True, help="folder of the run to grow")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    arguments = parser.parse_args()
    extend(arguments.start / "tokenizer.json").save(str(arguments.out.with_name("tokenizer.json")))
    cases = [case for path in arguments.answers for case in read_cases(path)]
    drawn = with_drills(exercises(cases, arguments.seed), arguments.seed)
    with arguments.out.open("w", encoding="utf-8") as file:
        for _ in range(arguments.count):
            task, turns = next(drawn)
            line = {"task": task, "turns": [[turn.role, turn.text] for turn in turns]}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
