"""Opposites, colours and animals."""

from __future__ import annotations

from random import Random

from examples.tiny_experts.facts import (
    COLOURS,
    KINDS,
    LEGS,
    MIXTURES,
    OPPOSITES,
    SOUNDS,
    YOUNG,
)
from examples.tiny_experts.questions.base import Item, fact, yes_no

# fmt: off
_OPPOSITE = (
    "What is the opposite of {x}?", "What's the opposite of {x}?", "opposite of {x}",
    "{x} opposite",
    "Tell me the opposite of {x}.", "The opposite of {x}?", "Give me the opposite of {x}.",
    "Opposite of the word {x}?", "What is the contrary of {x}?", "The opposite of {x} is",
    "Name the opposite of {x}.", "Which word is the opposite of {x}?",
)

_COLOUR = (
    "What {k} is {x}?", "Which {k} is {x}?", "What is the {k} of {x}?", "{k} of {x}",
    "What {k} does {x} have?", "Tell me the {k} of {x}.", "What's the {k} of {x}?",
    "Which {k} does {x} have?",
)

_MIX = (
    "What {k} do you get if you mix {x} and {y}?", "What do {x} and {y} make?", "mix {x} and {y}",
    "{x} and {y} make which {k}?", "What {k} do {x} and {y} make?", "{x} plus {y} makes what {k}?",
    "What is {x} mixed with {y}?",
)

_SOUND = (
    "What does a {x} say?", "What sound does a {x} make?", "Which sound does a {x} make?",
    "What noise does a {x} make?", "The {x} says?", "What does the {x} say?", "sound of a {x}",
)

_YOUNG = (
    "What is a baby {x} called?", "What do you call a baby {x}?", "What is a young {x} called?",
    "Name of a baby {x}?", "What's a baby {x} called?", "What is the young of a {x}?",
    "baby {x} name", "A baby {x} is called?",
)

_LEGS = (
    "How many {p} does {d} {x} have?", "How many {p} has {d} {x}?", "{p} of {d} {x}",
    "How many {p} are on {d} {x}?", "Number of {p} of {d} {x}?",
    "How many {p} does {d} {x} have in total?",
)

_KIND = (
    "Is {d} {x} {e} {k}?", "{d} {x} is {e} {k}, yes or no?", "Is {x} {e} {k}?",
    "Is {d} {x} some {k}?",
)
# fmt: on

_PROPER = ("Is {x} {e} {k}?", "{x} is {e} {k}, yes or no?")


def article(word: str) -> str:
    """Choose the indefinite article.

    Args:
        word: The word that follows.

    Returns:
        ``an`` before a vowel letter, else ``a``.
    """
    return "an" if word[0].lower() in "aeiou" else "a"


def _opposite(rng: Random) -> Item:
    """Ask for an opposite, in either direction where that is unambiguous."""
    x, y = rng.choice(OPPOSITES)
    if rng.random() < 0.5 and "right" not in (x, y):
        x, y = y, x
    return fact(rng, _OPPOSITE, f"The opposite of {x} is {y}.", x=x)


def _colour(rng: Random) -> Item:
    """Ask for the colour of a thing or of a mixture."""
    spelled = rng.choice(("color", "colour"))
    if rng.random() < 0.7:
        thing, colour = rng.choice(COLOURS)
        start = thing[0].upper() + thing[1:]
        return fact(rng, _COLOUR, f"{start} is {colour}.", k=spelled, x=thing)
    x, y, z = rng.choice(MIXTURES)
    if rng.random() < 0.5:
        x, y = y, x
    return fact(rng, _MIX, f"The mixture is {z}.", k=spelled, x=x, y=y)


def _animal(rng: Random) -> Item:
    """Ask for an animal's sound, young or legs."""
    ask = rng.random()
    if ask < 0.3:
        x, sound = rng.choice(SOUNDS)
        return fact(rng, _SOUND, f"The {x} says {sound}.", x=x)
    if ask < 0.6:
        x, young = rng.choice(YOUNG)
        return fact(rng, _YOUNG, f"A baby {x} is called a {young}.", x=x)
    x, count = rng.choice(LEGS)
    part = "arms" if x == "octopus" else "legs"
    start = article(x).capitalize()
    return fact(rng, _LEGS, f"{start} {x} has {count} {part}.", p=part, d=article(x), x=x)


def _kind(rng: Random) -> Item:
    """Ask whether something is of a kind, truthfully half of the time."""
    own = rng.choice(tuple(KINDS))
    member = rng.choice(KINDS[own])
    asked = own if rng.random() < 0.5 else rng.choice(tuple(KINDS))
    templates = _PROPER if member[0].isupper() or own == "colour" else _KIND
    answer = yes_no(asked == own)
    return fact(rng, templates, answer, d=article(member), x=member, e=article(asked), k=asked)


def general(rng: Random) -> Item:
    """Draw a question on opposites, colours or animals.

    Args:
        rng: Source of randomness.

    Returns:
        An item such as ``What is the opposite of hot?``.
    """
    return rng.choice((_opposite, _opposite, _colour, _animal, _animal, _kind))(rng)
