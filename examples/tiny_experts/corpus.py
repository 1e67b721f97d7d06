"""Build conversations out of questions, in the mixture each model is taught."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from examples.tiny_experts.facts import COUNTRIES
from examples.tiny_experts.noise import type_carelessly
from examples.tiny_experts.questions import draw
from examples.tiny_experts.tables import words

NAMES = ("abacus", "atlas", "sage")

# fmt: off
_BALANCED = {
    "sums": 24.0, "products": 4.0, "comparisons": 13.0, "capitals": 22.0, "dates": 8.0,
    "units": 4.0, "spelling": 9.0, "logic": 5.0, "general": 4.0, "smalltalk": 2.0, "unknown": 6.0,
}

MIXTURES: dict[str, dict[str, float]] = {
    "sage": _BALANCED,
    "abacus": {**_BALANCED, "sums": 27.0, "products": 6.0, "comparisons": 17.0, "units": 5.0,
               "spelling": 7.0},
    "atlas": {**_BALANCED, "sums": 18.0, "products": 3.0, "comparisons": 11.0, "capitals": 26.0,
              "dates": 10.0, "general": 6.0, "spelling": 10.0},
}
# fmt: on
"""Relative share of each field, by model."""

EQUATION_SHARES = {"abacus": 0.2, "atlas": 0.12, "sage": 0.15}
"""Share of batches that hold bare equations instead of conversations, by model."""

SYSTEM_MESSAGES = words(
    """
You are a helpful assistant.|You check every step.|You are a careful mathematician.|Be brief.
You are a geographer.|Answer in one sentence.|You are a careful assistant. Be brief.|Answer briefly.
You are a member of a panel. Answer the question.|You are a friendly teacher.|Think step by step.
You are a precise expert who answers in a few words.|Give only the final answer.|You are a critic.
You are the chair of a council. Write the best answer.|You know many facts.|Be honest and short.
You are a skeptical reviewer who looks for mistakes.|Answer the user's question.|You are abacus.
You are atlas, an expert on countries and words.|You are sage, a balanced generalist.|You are an AI.
You combine several answers into one.|Reply in plain text.|If you are not sure, say so.
You are a bot.
You are a creative writer with a warm style.|Do not explain.|You are one of three experts.
Several models answered the same question. Use their answers to write the best final answer.
You are an analyst. Consider the question from different sides before you answer.|Be accurate.
You are a pragmatic engineer. Keep the answer short.|You are a judge. Choose the best answer.
""",
    "|",
)
"""Personas the models learn to tolerate and otherwise ignore."""


@dataclass(frozen=True)
class Turn:
    """One message of a conversation.

    Attributes:
        role: ``system``, ``user`` or ``assistant``.
        text: The message.
    """

    role: str
    text: str


ConversationMaker = Callable[[Random, dict[str, float]], list[Turn]]
"""Draws one conversation in a given mixture."""

_PERSONA_SHARE = 0.12
_CAREFUL_SHARE = 0.5
_NAME_REPEATS = 400
"""Enough for names to become one token each: a fact is then learnt in a fraction of the time."""


def _system(rng: Random) -> Turn:
    """Draw a system message of one or two sentences, at times a longer one."""
    count = rng.choice((1, 1, 1, 2, 3))
    text = rng.choice((" ", "\n")).join(rng.sample(SYSTEM_MESSAGES, count))
    return Turn("system", text)


def _with_persona(rng: Random, text: str) -> str:
    """Put a persona after the question now and then, as a panel that shares beginnings does."""
    if rng.random() >= _PERSONA_SHARE:
        return text
    persona = " ".join(rng.sample(SYSTEM_MESSAGES, rng.choice((1, 1, 2))))
    lead = rng.choice(("Your part on this panel: ", "Your part on this panel: ", "Your role: ", ""))
    return f"{text}\n\n{lead}{persona}"


def conversation(rng: Random, mixture: dict[str, float]) -> list[Turn]:
    """Draw a conversation of one to four questions that do not depend on each other.

    Args:
        rng: Source of randomness.
        mixture: Relative share of each field.

    Returns:
        The turns, in a third of the cases with a system message first.
    """
    turns = [_system(rng)] if rng.random() < 0.33 else []
    fields = rng.choices(tuple(mixture), tuple(mixture.values()), k=rng.choice((1, 2, 3, 4)))
    for field in fields:
        item = draw(field, rng, held_out=False)
        turns.append(Turn("user", _with_persona(rng, type_carelessly(rng, item))))
        turns.append(Turn("assistant", item.answer))
    return turns


def lone_question(rng: Random, mixture: dict[str, float]) -> list[Turn]:
    """Draw one question with its reply, mostly typed with care.

    Args:
        rng: Source of randomness.
        mixture: Relative share of each field.

    Returns:
        A user's and an assistant's turn.
    """
    field = rng.choices(tuple(mixture), tuple(mixture.values()))[0]
    item = draw(field, rng, held_out=False)
    typed = item.question if rng.random() < _CAREFUL_SHARE else type_carelessly(rng, item)
    return [Turn("user", typed), Turn("assistant", item.answer)]


def conversations(
    seed: int, mixture: dict[str, float], make: ConversationMaker = conversation
) -> Iterator[list[Turn]]:
    """Draw conversations without end.

    Args:
        seed: Equal seeds give equal conversations.
        mixture: Relative share of each field.
        make: ``conversation`` or ``lone_question``.

    Yields:
        The turns of one conversation.
    """
    rng = Random(seed)
    while True:
        yield make(rng, mixture)


def tokenizer_texts(seed: int = 7, count: int = 40_000) -> Iterator[str]:
    """Draw the messages the tokenizer is trained on.

    Args:
        seed: Source of randomness.
        count: Number of conversations.

    Yields:
        Message texts and the words of the chat template.
    """
    source = conversations(seed, MIXTURES["atlas"])
    for _ in range(count):
        for turn in next(source):
            yield turn.role
            yield turn.text
    for country, capital, _ in COUNTRIES:
        yield from [f" {country}", f" {capital}"] * _NAME_REPEATS
        yield from [f" {country.lower()}"] * (_NAME_REPEATS // 2)
