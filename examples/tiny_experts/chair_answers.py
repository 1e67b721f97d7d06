"""Collect what the three experts say to generated questions: what the chair learns from.

Examples:
    python -m examples.tiny_experts.chair_answers --count 12000 --out runs/chair/answers.jsonl
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from backend import builtin
from examples.tiny_experts.corpus import NAMES
from examples.tiny_experts.evaluate import Asker
from examples.tiny_experts.noise import type_carelessly
from examples.tiny_experts.questions import draw

# fmt: off
FIELD_SHARES = {
    "sums": 22.0, "products": 8.0, "comparisons": 16.0, "capitals": 14.0, "dates": 8.0,
    "units": 5.0, "spelling": 9.0, "logic": 8.0, "general": 5.0, "smalltalk": 1.0, "unknown": 4.0,
}
# fmt: on
"""Relative share of each field: more of what the experts get wrong."""

_SAMPLED_SHARE = 0.4
_TEMPERATURE = 0.9


@dataclass(frozen=True)
class Case:
    """A question with what a panel said to it.

    Attributes:
        field: The question's field.
        key: Its key, see `split.py`.
        question: The question as typed.
        answer: The only right reply.
        replies: What experts replied.
    """

    field: str
    key: str
    question: str
    answer: str
    replies: tuple[str, ...]


def ask_experts(askers: dict[str, Asker], question: str, rng: Random) -> tuple[str, ...]:
    """Get each expert's likeliest reply, and at times one more from one of them.

    Args:
        askers: The experts by name.
        question: The question as typed.
        rng: Source of randomness.

    Returns:
        Three or four replies.
    """
    replies = [asker.ask(question) for asker in askers.values()]
    if rng.random() < _SAMPLED_SHARE:
        one = askers[rng.choice(tuple(askers))]
        replies.append(one.ask(question, _TEMPERATURE, rng.randrange(1 << 30)))
    return tuple(reply for reply in replies if reply)


def cases(askers: dict[str, Asker], seed: int) -> Iterator[Case]:
    """Draw taught questions without end and put them to the experts.

    Args:
        askers: The experts by name.
        seed: Equal seeds give equal questions.

    Yields:
        The cases; none is of a held-out question.
    """
    rng = Random(f"chair:{seed}")
    fields, shares = tuple(FIELD_SHARES), tuple(FIELD_SHARES.values())
    while True:
        field = rng.choices(fields, shares)[0]
        item = draw(field, rng, held_out=False)
        question = item.question if rng.random() < 0.5 else type_carelessly(rng, item)
        replies = ask_experts(askers, question, rng)
        yield Case(field, item.key, question, item.answer, replies)


def read_cases(path: Path) -> list[Case]:
    """Read what this program wrote.

    Args:
        path: A file of lines of JSON.

    Returns:
        The cases.
    """
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [Case(**{**each, "replies": tuple(each["replies"])}) for each in found]


def main() -> None:
    """Collect replies from the command line."""
    parser = argparse.ArgumentParser(
        description="Write taught questions with the experts' replies, one JSON object a line.",
        epilog=(__doc__ or "").partition("Examples:\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=12_000, help="questions (default: 12000)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the questions (default: 1)")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    arguments = parser.parse_args()
    askers = {name: Asker(builtin.path(name)) for name in NAMES}
    drawn = cases(askers, arguments.seed)
    with arguments.out.open("w", encoding="utf-8") as file:
        for _ in range(arguments.count):
            file.write(json.dumps(asdict(next(drawn)), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
