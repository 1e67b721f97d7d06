"""One generator per field of questions."""

from __future__ import annotations

from random import Random

from examples.tiny_experts.questions.arithmetic import products, sums
from examples.tiny_experts.questions.base import Item, Maker
from examples.tiny_experts.questions.capitals import capitals
from examples.tiny_experts.questions.dates import dates
from examples.tiny_experts.questions.general import general
from examples.tiny_experts.questions.logic import logic
from examples.tiny_experts.questions.numbers import comparisons
from examples.tiny_experts.questions.smalltalk import smalltalk
from examples.tiny_experts.questions.spelling import spelling
from examples.tiny_experts.questions.units import units
from examples.tiny_experts.questions.unknown import unknown
from examples.tiny_experts.split import is_held_out

# fmt: off
FIELDS: dict[str, Maker] = {
    "sums": sums, "products": products, "comparisons": comparisons,
    "capitals": capitals, "dates": dates, "units": units, "spelling": spelling, "logic": logic,
    "general": general, "smalltalk": smalltalk, "unknown": unknown,
}
# fmt: on
"""Field name to generator."""


def draw(field: str, rng: Random, held_out: bool) -> Item:
    """Draw an item of one part of a field.

    Args:
        field: A key of ``FIELDS``.
        rng: Source of randomness.
        held_out: True for the part kept out of training. Small talk has no such
            part; its items are taught, and only the noise on them is new.

    Returns:
        The item.
    """
    maker = FIELDS[field]
    while True:
        item = maker(rng)
        if field == "smalltalk" or is_held_out(item.key) == held_out:
            return item


__all__ = ["FIELDS", "Item", "Maker", "draw"]
