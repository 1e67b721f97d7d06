"""Countries, their capitals and their continents."""

from __future__ import annotations

from random import Random

from examples.tiny_experts.facts import COUNTRIES, COUNTRY_ALIASES
from examples.tiny_experts.questions.base import Item, fact, yes_no

# fmt: off
_CAPITAL = (
    "What is the capital of {c}?", "What's the capital of {c}?", "capital of {c}",
    "capital of {c}?",
    "What is the capital city of {c}?", "What's the capital city of {c}?", "{c}: capital?",
    "Tell me the capital of {c}.", "Tell me the capital of {c} please.", "Name the capital of {c}.",
    "Which city is the capital of {c}?", "What city is the capital of {c}?", "{c} capital",
    "Do you know the capital of {c}?", "Can you tell me the capital of {c}?", "{c}'s capital?",
    "Capital city of {c}?", "What is {c}'s capital?", "What's {c}'s capital city?",
    "Give me the capital of {c}.", "The capital of {c} is", "The capital of {c} is what?",
    "I want to know the capital of {c}.", "What is the name of the capital of {c}?",
    "Which is the capital of {c}?", "what capital does {c} have?",
    "Please name {c}'s capital city.",
)

_COUNTRY = (
    "{k} is the capital of which country?", "Which country has the capital {k}?",
    "What country is {k} the capital of?", "Of which country is {k} the capital?",
    "{k} is the capital of what country?", "Which country's capital is {k}?",
    "What country has {k} as its capital?", "{k} is the capital of?", "{k} is the capital of",
    "Tell me which country {k} is the capital of.", "Name the country whose capital is {k}.",
    "In which country is {k}?", "Which country is {k} in?", "Where is {k}?",
    "What country is {k} in?",
)

_CHECK = (
    "Is {k} the capital of {c}?", "Is the capital of {c} {k}?", "{k} is the capital of {c}, right?",
    "Is it true that {k} is the capital of {c}?", "{k} is the capital of {c}, yes or no?",
    "Is {c}'s capital {k}?",
)

_CONTINENT = (
    "Which continent is {c} in?", "What continent is {c} in?", "On which continent is {c}?",
    "{c} is in which continent?", "Where is {c}?", "In which continent is {c}?",
    "{c} is on what continent?", "Tell me the continent of {c}.", "Where is {c} located?",
)
# fmt: on


def _spoken(rng: Random, country: str) -> str:
    """Name a country as a person might type it."""
    aliases = COUNTRY_ALIASES.get(country, ())
    return rng.choice(aliases) if aliases and rng.random() < 0.6 else country


def capitals(rng: Random) -> Item:
    """Draw a question on a country's capital or continent.

    Args:
        rng: Source of randomness.

    Returns:
        An item such as ``Capital of Japan?`` with ``The capital of Japan is Tokyo.``.
    """
    country, capital, continent = rng.choice(COUNTRIES)
    spoken = _spoken(rng, country)
    ask = rng.random()
    if ask < 0.5:
        return fact(rng, _CAPITAL, f"The capital of {country} is {capital}.", c=spoken)
    if ask < 0.72:
        return fact(rng, _COUNTRY, f"{capital} is the capital of {country}.", k=capital)
    if ask < 0.87:
        shown = capital if rng.random() < 0.5 else rng.choice(COUNTRIES)[1]
        return fact(rng, _CHECK, yes_no(shown == capital), k=shown, c=spoken)
    start = country[0].upper() + country[1:]
    verb = "are" if country == "the Philippines" else "is"
    return fact(rng, _CONTINENT, f"{start} {verb} in {continent}.", c=spoken)
