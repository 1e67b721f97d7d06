"""How many of one unit make another."""

from __future__ import annotations

from random import Random

from examples.tiny_experts.facts import SYMBOLS, UNITS
from examples.tiny_experts.questions.base import Item, fact

# fmt: off
_ONE = (
    "How many {s} are in {a} {l}?", "How many {s} are there in {a} {l}?", "{s} in {a} {l}",
    "How many {s} is {a} {l}?", "How many {s} make {a} {l}?", "How many {s} does {a} {l} have?",
    "{a} {l} in {s}?", "{a} {l} is how many {s}?", "Number of {s} in {a} {l}?",
    "{a} {l} has how many {s}?", "How many {s} in {a} {l}?", "Convert {a} {l} to {s}.",
    "What is {a} {l} in {s}?", "{a} {l} to {s}",
)

_SHORT = (
    "How many {s} are in {a} {l}?", "How many {s} in {a} {l}?", "{a} {l} in {s}", "{a}{l} in {s}?",
    "Convert {a} {l} to {s}.", "{a} {l} to {s}", "{a} {l} = ? {s}", "What is {a} {l} in {s}?",
    "How many {s} is {a} {l}?", "{a} {l} is how many {s}?",
)
# fmt: on

_PLURALS = {"century": "centuries", "foot": "feet", "inch": "inches", "dozen": "dozen"}


def plural(unit: str, count: int) -> str:
    """Inflect a unit.

    Args:
        unit: Singular name.
        count: How many.

    Returns:
        ``unit`` itself for one, otherwise its plural.
    """
    return unit if count == 1 else _PLURALS.get(unit, f"{unit}s")


def _american(rng: Random, text: str) -> str:
    """Spell ``metre`` and ``litre`` the other way half of the time."""
    return text.replace("tre", "ter") if rng.random() < 0.5 else text


def units(rng: Random) -> Item:
    """Draw a conversion from a large unit to a small one.

    Args:
        rng: Source of randomness.

    Returns:
        An item such as ``How many cm in 2 m?`` with ``2 m = 200 cm.``.
    """
    large, small, factor = rng.choice(UNITS)
    count = rng.choice((1, 1, 1, 2, 2, 3, 3, 4, 5, 10))
    if large == "year" and small == "week":
        count = 1
    total = count * int(factor)
    if large in SYMBOLS and small in SYMBOLS and rng.random() < 0.5:
        big, little = SYMBOLS[large], SYMBOLS[small]
        return fact(rng, _SHORT, f"{count} {big} = {total} {little}.", a=count, l=big, s=little)
    amount = str(count)
    if count == 1 and rng.random() < 0.7:
        amount = "one" if rng.random() < 0.3 else "an" if large == "hour" else "a"
    answer = f"{count} {plural(large, count)} = {total} {plural(small, total)}."
    big, little = _american(rng, plural(large, count)), _american(rng, plural(small, 2))
    return fact(rng, _ONE, answer, a=amount, l=big, s=little)
