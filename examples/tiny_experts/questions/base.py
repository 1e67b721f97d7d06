"""What a question is, and the helpers all generators share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

UNKNOWN_ANSWER = "I don't know."
"""The one reply to everything outside the field."""


@dataclass(frozen=True)
class Item:
    """One question with its only right answer.

    Attributes:
        key: Canonical content; decides whether the item is held out.
        question: Clean wording, before any noise.
        answer: The exact reply wanted.
        fragile: True where a typo would change the meaning (spelling, options).
    """

    key: str
    question: str
    answer: str
    fragile: bool = False


Maker = Callable[[Random], Item]
"""Draws one item of a field; equal random states draw equal items."""


def fact(rng: Random, templates: Sequence[str], answer: str, **slots: object) -> Item:
    """Word a fact with a random template.

    The key joins template and slots, so every fact is taught in most wordings
    and examined in the wordings it was never seen in.

    Args:
        rng: Source of randomness.
        templates: Format strings that use the names in ``slots``.
        answer: The reply, already complete.
        **slots: Values for the template.

    Returns:
        The item.
    """
    template = rng.choice(templates)
    subject = ",".join(str(value) for value in slots.values())
    return Item(f"{template}|{subject}", template.format(**slots), answer)


def yes_no(value: bool) -> str:
    """Word a truth value as a reply.

    Args:
        value: The truth value.

    Returns:
        ``Yes.`` or ``No.``.
    """
    return "Yes." if value else "No."
