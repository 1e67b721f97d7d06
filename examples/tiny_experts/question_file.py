"""Write held-out questions for `council eval`.

Small talk is left out: it has no held-out part.

Examples:
    python -m examples.tiny_experts.question_file --out examples/questions/builtin.jsonl
    python -m examples.tiny_experts.question_file --seed 11 --out others.jsonl \\
        --without examples/questions/builtin.jsonl
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

from examples.tiny_experts.questions import FIELDS, Item, draw

COUNT = 50
"""Questions per field of the shipped file."""
SEED = 1
"""Seed of the shipped file."""

_DRAWS = 200
"""Draws per question wanted before a field is found to have no more."""

ASKED = tuple(field for field in FIELDS if field != "smalltalk")
"""The fields with a held-out part."""

_YES_NO = {"Yes.": "yes", "No.": "no", "True.": "true", "False.": "false"}
_NUMBER = re.compile(r"(-?\d+)(?: (?!=)[a-z ]+)?\.")
_ABOUT_NUMBERS = re.compile(r" = | has | number ")


def held_out_items(field: str, count: int, seed: int) -> list[Item]:
    """Draw distinct held-out items of a field, worded without noise.

    Args:
        field: A key of ``FIELDS`` other than small talk.
        count: How many.
        seed: Equal seeds give equal items.

    Returns:
        The items; no two have the same key or the same wording.

    Raises:
        ValueError: The field has no more than a few of them.
    """
    rng = Random(f"file:{field}:{seed}")
    items: dict[str, Item] = {}
    asked: set[str] = set()
    for _ in range(count * _DRAWS):
        if len(items) == count:
            break
        item = draw(field, rng, held_out=True)
        if item.key in items or item.question in asked or _is_of_one_number(item):
            continue
        items[item.key] = item
        asked.add(item.question)
    if len(items) < count:
        raise ValueError(f"{field}: found {len(items)} different held-out questions, not {count}")
    return list(items.values())


def _is_of_one_number(item: Item) -> bool:
    """Tell whether a number is compared with itself: that is asked under other keys too."""
    numbers = re.findall(r"\d+", item.question)
    return item.key.startswith("compare:") and len(set(numbers)) == 1


def record(field: str, item: Item) -> dict[str, str]:
    """Turn an item into a line of a question file.

    Args:
        field: The item's field.
        item: The item; its key becomes the question's id, so that whoever has the
            file can tell that it was held out.

    Returns:
        The line's keys and values. Numbers, yes and no stand alone; any other
        answer is the sentence that the models were taught.
    """
    kind, answer = "text", item.answer
    number = _NUMBER.search(item.answer)
    if item.answer in _YES_NO:
        kind, answer = "choice", _YES_NO[item.answer]
    elif number and _ABOUT_NUMBERS.search(item.answer[: number.start() + 1]):
        kind, answer = "number", number[1]
    line = {"id": item.key, "question": item.question, "answer": answer}
    return {**line, "kind": kind, "field": field}


def lines(count: int, seed: int) -> Iterator[str]:
    """Draw the lines of a question file.

    Args:
        count: Questions per field.
        seed: Equal seeds give equal lines.

    Yields:
        JSON objects, the fields taking turns: the first lines of a file are about
        all fields, too.
    """
    drawn = {field: held_out_items(field, count, seed) for field in ASKED}
    for place in range(count):
        for field, items in drawn.items():
            yield json.dumps(record(field, items[place]), ensure_ascii=False)


def without(drawn: Iterable[str], others: Iterable[str]) -> Iterator[str]:
    """Leave out what another question file asks, so that one can be tuned on and one measured.

    Args:
        drawn: Lines of a question file.
        others: Lines of the other one.

    Yields:
        The lines whose id and whose wording are in none of the others.
    """
    asked = {text for line in others for text in _identity(line)}
    yield from (line for line in drawn if asked.isdisjoint(_identity(line)))


def _identity(line: str) -> tuple[str, str]:
    """A line's id and its wording; either makes it the same question."""
    values = json.loads(line)
    return values["id"], values["question"]


def main() -> None:
    """Write a question file from the command line."""
    parser = argparse.ArgumentParser(
        description="Write held-out questions for council eval.",
        epilog=(__doc__ or "").partition("Examples:\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    parser.add_argument("--count", type=int, default=COUNT, help="questions per field")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the questions")
    parser.add_argument(
        "--without", type=Path, metavar="FILE", help="leave out what this question file asks"
    )
    arguments = parser.parse_args()
    others = arguments.without.read_text("utf-8").split("\n") if arguments.without else []
    try:
        drawn = without(lines(arguments.count, arguments.seed), filter(None, others))
        text = "".join(f"{line}\n" for line in drawn)
    except ValueError as error:
        parser.error(str(error))
    arguments.out.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
