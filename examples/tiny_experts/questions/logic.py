"""Small syllogisms and the connectives and, or, not."""

from __future__ import annotations

from random import Random

from examples.tiny_experts.questions.base import Item, fact, yes_no
from examples.tiny_experts.questions.numbers import parity
from examples.tiny_experts.tables import words

_NOUNS = words(
    "cats dogs birds fish cows bears roses trees apples cars robots kings birds ducks wolves "
    "lions animals plants cups books dancers singers bakers pilots zops blims"
)
_TRAITS = words("red blue green happy sad big small fast slow round old young warm cold kind loud")
_NAMES = words("Tom Ann Rex Kim Bob Mia Leo Eva Sam Zoe Max Ida Socrates Anna Paul")

# fmt: off
_KNOWN = (
    ("All {a} are {t}. {n} is one of the {a}. Is {n} {t}?", True),
    ("All {a} are {t}. {n} belongs to the {a}. Is {n} {t}?", True),
    ("If all {a} are {t} and {n} is one of the {a}, is {n} {t}?", True),
    ("No {a} are {t}. {n} is one of the {a}. Is {n} {t}?", False),
    ("If no {a} are {t} and {n} is one of the {a}, is {n} {t}?", False),
    ("No {a} are {t}. {n} belongs to the {a}. Is {n} {t}?", False),
)

_CHAIN = (
    ("All {a} are {b}. All {b} are {t}. Are all {a} {t}?", True),
    ("If all {a} are {b} and all {b} are {t}, are all {a} {t}?", True),
    ("All {a} are {b}. No {b} are {t}. Are {a} {t}?", False),
    ("All {a} are {b}. All {b} are {t}. Are {a} {t}?", True),
    ("If all {a} are {b} and no {b} are {t}, are {a} {t}?", False),
)

_ORDER = (
    ("{n} is taller than {m}. {m} is taller than {k}. Is {n} taller than {k}?", True),
    ("{n} is taller than {m}. {m} is taller than {k}. Is {k} taller than {n}?", False),
    ("{n} is older than {m}. Is {m} older than {n}?", False),
    ("{n} is older than {m}. Is {m} younger than {n}?", True),
    ("{n} is older than {m} and {m} is older than {k}. Is {n} older than {k}?", True),
    ("{n} is older than {m} and {m} is older than {k}. Is {k} older than {n}?", False),
)

_BINARY = (
    "What is {p} {o} {q}?", "{p} {o} {q}", "{p} {o} {q} = ?", "Is {p} {o} {q} true or false?",
)
# fmt: on
_NOT = ("What is not {p}?", "not {p}", "not {p} = ?")


def _syllogism(rng: Random) -> Item:
    """Ask for a conclusion from one or two premises."""
    a, b = rng.sample(_NOUNS, 2)
    n, m, k = rng.sample(_NAMES, 3)
    table = rng.choice((_KNOWN, _CHAIN, _ORDER))
    template, truth = rng.choice(table)
    slots = {"a": a, "b": b, "t": rng.choice(_TRAITS), "n": n, "m": m, "k": k}
    question = template.format(**slots)
    return Item(f"logic:{question}", question, yes_no(truth), fragile=True)


def _truth(value: bool) -> str:
    """Word a truth value as a word of logic."""
    return "true" if value else "false"


def _connective(rng: Random) -> Item:
    """Ask for the value of ``p and q``, ``p or q`` or ``not p``."""
    p, q = rng.random() < 0.5, rng.random() < 0.5
    if rng.random() < 0.2:
        return fact(rng, _NOT, f"{_truth(not p).capitalize()}.", p=_truth(p))
    operator = rng.choice(("and", "or"))
    value = (p and q) if operator == "and" else (p or q)
    answer = f"{_truth(value).capitalize()}."
    return fact(rng, _BINARY, answer, p=_truth(p), o=operator, q=_truth(q))


def logic(rng: Random) -> Item:
    """Draw a syllogism, a connective or a parity question.

    Args:
        rng: Source of randomness.

    Returns:
        An item answered by a truth value, or by even or odd.
    """
    ask = rng.random()
    if ask < 0.35:
        return parity(rng)
    return _connective(rng) if ask < 0.5 else _syllogism(rng)
