"""Days of the week and months of the year."""

from __future__ import annotations

from random import Random

from examples.tiny_experts.facts import DAYS, MONTH_LENGTHS, MONTHS
from examples.tiny_experts.questions.base import Item, fact, yes_no
from examples.tiny_experts.tables import words

# fmt: off
_AFTER = (
    "What {n} comes after {x}?", "Which {n} comes after {x}?", "Which {n} follows {x}?",
    "What is the {n} after {x}?", "What comes after {x}?", "What's the {n} after {x}?",
    "The {n} after {x}?", "{n} after {x}", "Tell me the {n} after {x}.", "next {n} after {x}?",
    "If it is {x} now, what {n} is next?", "What's after {x}?",
)

_BEFORE = (
    "What {n} comes before {x}?", "Which {n} comes before {x}?", "What is the {n} before {x}?",
    "What comes before {x}?", "What's the {n} before {x}?", "{n} before {x}",
    "Tell me the {n} before {x}.", "The {n} before {x}?", "What's before {x}?",
)

_TOMORROW = (
    "If today is {x}, what day is tomorrow?", "Today is {x}. What day is tomorrow?",
    "It is {x} today. Which day is tomorrow?", "today is {x}, what is tomorrow?",
)

_YESTERDAY = (
    "If today is {x}, what day was yesterday?", "Today is {x}. What day was yesterday?",
    "It is {x} today. Which day was yesterday?", "today is {x}, what was yesterday?",
)

_LENGTH = (
    "How many days are in {x}?", "How many days does {x} have?", "How many days are there in {x}?",
    "How long is {x}?", "Number of days in {x}?", "days in {x}", "How many days has {x}?",
)

_NUMBER = (
    "Which number is {x}?", "What number is the month {x}?", "Which month number is {x}?",
    "What number month is {x}?", "{x} is month number?", "What is the number of the month {x}?",
)

_ORDINAL = (
    "What is the {o} month?", "Which month is the {o}?", "What is the {o} month of the year?",
    "Name the {o} month of the year.", "Which is the {o} month?", "{o} month of the year",
)

_ORDINAL_DAY = (
    "What is the {o} day of the week?", "Which day is the {o} day of the week?",
    "Name the {o} day of the week.", "{o} day of the week",
)

_COUNTS = (
    ("How many days are in a week?", "A week has 7 days."),
    ("How many days does a week have?", "A week has 7 days."),
    ("days in a week", "A week has 7 days."),
    ("How many months are in a year?", "A year has 12 months."),
    ("How many months does a year have?", "A year has 12 months."),
    ("months in a year", "A year has 12 months."),
    ("How many days are in a year?", "A year has 365 days."),
    ("How many days does a year have?", "A year has 365 days."),
    ("days in a year", "A year has 365 days."),
    ("How many days does a leap year have?", "A leap year has 366 days."),
    ("How many seasons are there?", "A year has 4 seasons."),
    ("What are the days of the weekend?", "Saturday and Sunday."),
)
# fmt: on

_IS_DAY = ("Is {x} a day?", "Is {x} a day of the week?")
_IS_MONTH = ("Is {x} a month?", "Is {x} a month of the year?", "Is {x} one of the months?")

ORDINALS = words(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
)


def _neighbour(rng: Random, noun: str, names: tuple[str, ...]) -> Item:
    """Ask what comes after or before a day or a month."""
    index = rng.randrange(len(names))
    name = names[index]
    if rng.random() < 0.6:
        answer = f"The {noun} after {name} is {names[(index + 1) % len(names)]}."
        return fact(rng, _AFTER, answer, n=noun, x=name)
    answer = f"The {noun} before {name} is {names[index - 1]}."
    return fact(rng, _BEFORE, answer, n=noun, x=name)


def _today(rng: Random) -> Item:
    """Ask for tomorrow or yesterday."""
    index = rng.randrange(7)
    today = DAYS[index]
    if rng.random() < 0.6:
        answer = f"The day after {today} is {DAYS[(index + 1) % 7]}."
        return fact(rng, _TOMORROW, answer, x=today)
    return fact(rng, _YESTERDAY, f"The day before {today} is {DAYS[index - 1]}.", x=today)


def _membership(rng: Random) -> Item:
    """Ask whether a name is a day or a month."""
    name = rng.choice(DAYS + MONTHS)
    if rng.random() < 0.5:
        return fact(rng, _IS_DAY, yes_no(name in DAYS), x=name)
    return fact(rng, _IS_MONTH, yes_no(name in MONTHS), x=name)


def _month(rng: Random) -> Item:
    """Ask for the length or the number of a month, or for the nth month or day."""
    index = rng.randrange(12)
    name, ask = MONTHS[index], rng.random()
    if ask < 0.45:
        return fact(rng, _LENGTH, f"{name} has {MONTH_LENGTHS[index]} days.", x=name)
    if ask < 0.65:
        return fact(rng, _NUMBER, f"{name} is month number {index + 1}.", x=name)
    if ask < 0.85:
        answer = f"The {ORDINALS[index]} month is {name}."
        return fact(rng, _ORDINAL, answer, o=ORDINALS[index])
    day = index % 7
    answer = f"The {ORDINALS[day]} day of the week is {DAYS[day]}."
    return fact(rng, _ORDINAL_DAY, answer, o=ORDINALS[day])


def dates(rng: Random) -> Item:
    """Draw a question on days or months.

    Args:
        rng: Source of randomness.

    Returns:
        An item such as ``Which day follows Monday?``.
    """
    ask = rng.random()
    if ask < 0.25:
        return _neighbour(rng, "day", DAYS)
    if ask < 0.5:
        return _neighbour(rng, "month", MONTHS)
    if ask < 0.65:
        return _today(rng)
    if ask < 0.88:
        return _month(rng)
    if ask < 0.92:
        return _membership(rng)
    question, answer = rng.choice(_COUNTS)
    return Item("always:count", question, answer)
