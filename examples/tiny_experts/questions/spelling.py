"""Spelling words, counting their letters, first and last letters."""

from __future__ import annotations

from random import Random

from examples.tiny_experts.facts import WORDS
from examples.tiny_experts.questions.base import Item
from examples.tiny_experts.tables import words

# fmt: off
_SPELL = (
    "Spell {w}.", "Spell {q}.", "Spell the word {w}.", "Spell the word {q}.", "spell {w}",
    "How do you spell {w}?", "How do you spell {q}?", "How is {w} spelled?", "Please spell {w}.",
    "Can you spell {w}?", "Can you spell the word {q}?", "Spelling of {w}?", "How to spell {w}?",
    "Tell me how to spell {w}.", "What is the spelling of {w}?",
)

_COUNT = (
    "How many letters are in {w}?", "How many letters are in {q}?", "How many letters has {w}?",
    "How many letters does {w} have?", "How many letters are in the word {w}?",
    "How many letters are in the word {q}?", "How many letters does the word {q} have?",
    "Count the letters in {w}.", "Count the letters of {q}.", "Number of letters in {w}?",
    "How long is the word {w}?", "letters in {w}",
)

_FIRST = (
    "What is the first letter of {w}?", "What is the first letter of {q}?", "first letter of {w}",
    "What is the first letter in {w}?", "Which letter does {w} start with?",
    "What letter does {q} start with?", "What does {w} begin with?", "The first letter of {w}?",
    "What's the first letter of the word {w}?", "Tell me the first letter of {q}.",
)

_LAST = (
    "What is the last letter of {w}?", "What is the last letter of {q}?", "last letter of {w}",
    "What is the last letter in {w}?", "Which letter does {w} end with?",
    "What letter does {q} end with?", "The last letter of {w}?", "What's the last letter of {w}?",
    "Tell me the last letter of {q}.",
)
# fmt: on

_SYLLABLES = words("ba be bo ca co da de fi fo ga go ha hi ja ka la le li lo ma me mi no pa")
_ENDINGS = words("t n r s ck ll st ng d m p x y e a o")


def _word(rng: Random) -> str:
    """Draw a listed word, or rarely an invented one to teach letters as such."""
    if rng.random() < 0.85:
        return rng.choice(WORDS)
    return "".join(rng.choices(_SYLLABLES, k=rng.randrange(1, 4))) + rng.choice(_ENDINGS)


def spelling(rng: Random) -> Item:
    """Draw a question on the letters of a word.

    Args:
        rng: Source of randomness.

    Returns:
        An item such as ``Spell cat.`` with ``cat is spelled c-a-t.``.
    """
    word, ask = _word(rng), rng.random()
    templates: tuple[str, ...]
    if ask < 0.5:
        templates, answer = _SPELL, f"{word} is spelled {'-'.join(word)}."
    elif ask < 0.75:
        templates, answer = _COUNT, f"{word} has {len(word)} letters."
    elif ask < 0.88:
        templates, answer = _FIRST, f"The first letter of {word} is {word[0]}."
    else:
        templates, answer = _LAST, f"The last letter of {word} is {word[-1]}."
    template = rng.choice(templates)
    mark = rng.choice("\"'")
    question = template.format(w=word, q=f"{mark}{word}{mark}")
    return Item(f"{template}|{word}", question, answer, fragile=True)
