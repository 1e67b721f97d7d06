"""Sums, differences, products and quotients of whole numbers."""

from __future__ import annotations

from random import Random

from examples.tiny_experts.questions.base import Item, fact
from examples.tiny_experts.split import is_held_out, sum_key

# fmt: off
_SUM = (
    "What is {a} + {b}?", "What's {a} + {b}?", "What is {a}+{b}?", "What's {a}+{b}?",
    "{a}+{b}=?", "{a} + {b} = ?", "{a} + {b} =", "{a}+{b}=", "{a}+{b}", "{a} + {b}",
    "{a}+{b}?", "{a} + {b}?", "Calculate {a} plus {b}.", "Calculate {a} + {b}.",
    "Please add {a} and {b}.", "Add {a} and {b}.", "Add {b} to {a}.", "{a} plus {b}",
    "How much is {a} + {b}?", "How much is {a} plus {b}?", "What is {a} plus {b}?",
    "What is the sum of {a} and {b}?", "Sum of {a} and {b}", "Compute {a} + {b}.",
    "Compute the sum of {a} and {b}.", "What do you get when you add {a} and {b}?",
    "{a} plus {b} equals?", "{a} plus {b} is?", "What does {a} + {b} equal?",
    "What does {a} plus {b} make?", "Solve {a} + {b}.", "Solve: {a} + {b} = ?",
    "Work out {a} + {b}.", "Can you add {a} and {b}?", "Can you calculate {a} + {b}?",
    "What is {a} and {b} together?", "Give me {a} + {b}.", "What is {a} added to {b}?",
    "{a} and {b} makes?", "What is the total of {a} and {b}?", "What is the result of {a} + {b}?",
    "I have {a} apples and get {b} more. How many apples do I have?",
    "Tom has {a} apples and Ann has {b}. How many do they have together?",
    "If I have {a} coins and find {b} more, how many coins do I have?",
    "There are {a} boys and {b} girls. How many children are there?",
)

_DIFFERENCE = (
    "What is {a} - {b}?", "What's {a} - {b}?", "What is {a}-{b}?", "{a}-{b}=?", "{a} - {b} = ?",
    "{a} - {b} =", "{a}-{b}", "{a} - {b}", "{a}-{b}?", "Calculate {a} minus {b}.",
    "Calculate {a} - {b}.", "Subtract {b} from {a}.", "Please subtract {b} from {a}.",
    "Take {b} away from {a}.", "How much is {a} - {b}?", "How much is {a} minus {b}?",
    "What is {a} minus {b}?", "{a} minus {b}", "{a} minus {b} equals?", "Compute {a} - {b}.",
    "What is the difference between {a} and {b}?", "Difference of {a} and {b}",
    "What is left if you take {b} from {a}?", "What does {a} - {b} equal?", "Solve {a} - {b}.",
    "What's {a}-{b}?", "Work out {a} - {b}.", "Can you calculate {a} - {b}?",
    "I have {a} apples and eat {b}. How many are left?",
    "Tom has {a} coins and loses {b}. How many coins are left?",
)

_PRODUCT = (
    "What is {a} * {b}?", "What is {a} x {b}?", "What's {a} times {b}?", "{a}*{b}", "{a} * {b}",
    "{a} x {b}", "{a}x{b}=?", "{a}*{b}=?", "{a} * {b} =", "Calculate {a} times {b}.",
    "Calculate {a} * {b}.", "Multiply {a} by {b}.", "Multiply {a} and {b}.", "{a} times {b}",
    "How much is {a} times {b}?", "How much is {a} * {b}?", "What is {a} times {b}?",
    "What is the product of {a} and {b}?", "Please multiply {a} by {b}.", "Compute {a} * {b}.",
    "What is {a} multiplied by {b}?", "What's {a} x {b}?", "Solve {a} * {b}.", "{a} × {b} = ?",
)

_QUOTIENT = (
    "What is {a} / {b}?", "What is {a} divided by {b}?", "{a}/{b}", "{a} / {b} = ?",
    "Divide {a} by {b}.", "Calculate {a} / {b}.", "How much is {a} divided by {b}?",
    "What's {a} divided by {b}?", "{a} divided by {b}", "Compute {a} / {b}.", "{a} ÷ {b} = ?",
)
# fmt: on


def operand(rng: Random) -> int:
    """Draw a number of 0..999 with balanced lengths.

    Args:
        rng: Source of randomness.

    Returns:
        A number of one (20 %), two (67 %) or three (13 %) digits.
    """
    draw = rng.random()
    if draw < 0.2:
        return rng.randrange(10)
    return rng.randrange(10, 100) if draw < 0.87 else rng.randrange(100, 1000)


def _family_key(a: int, b: int) -> str:
    """Key of ``a + b``; sums of two digits are taught without exception."""
    key = sum_key(a, b)
    return key if max(a, b) >= 10 else f"always:{key}"


def sum_of(rng: Random, a: int, b: int) -> Item:
    """Ask for a sum.

    Args:
        rng: Source of randomness.
        a: First term.
        b: Second term.

    Returns:
        The item, in a random wording.
    """
    question = rng.choice(_SUM).format(a=a, b=b)
    return Item(_family_key(a, b), question, f"{a} + {b} = {a + b}.")


def difference_of(rng: Random, a: int, b: int) -> Item:
    """Ask for a difference; a negative one rarely.

    Args:
        rng: Source of randomness.
        a: One number.
        b: The other number.

    Returns:
        The item, in a random wording; nearly always the smaller is taken from the larger.
    """
    high, low = max(a, b), min(a, b)
    if rng.random() < 0.04:
        high, low = low, high
    question = rng.choice(_DIFFERENCE).format(a=high, b=low)
    key = _family_key(abs(high - low), min(high, low))
    return Item(key, question, f"{high} - {low} = {high - low}.")


def sums(rng: Random) -> Item:
    """Draw a sum (60 %) or a difference (40 %).

    Args:
        rng: Source of randomness.

    Returns:
        An item such as ``What is 17 + 25?`` with ``17 + 25 = 42.``.
    """
    a, b = operand(rng), operand(rng)
    return sum_of(rng, a, b) if rng.random() < 0.6 else difference_of(rng, a, b)


def products(rng: Random) -> Item:
    """Draw from the tables up to 12 times 12, or a division read off them.

    Multiplication tables are facts: the wording is held out, not the pair.

    Args:
        rng: Source of randomness.

    Returns:
        An item such as ``What is 6 x 7?`` with ``6 * 7 = 42.``.
    """
    a, b = rng.randrange(13), rng.randrange(13)
    if rng.random() < 0.7 or b == 0:
        return fact(rng, _PRODUCT, f"{a} * {b} = {a * b}.", a=a, b=b)
    return fact(rng, _QUOTIENT, f"{a * b} / {b} = {a}.", a=a * b, b=b)


def two_digit_sums(rng: Random) -> Item:
    """Draw a held-out sum of two two-digit numbers.

    Args:
        rng: Source of randomness.

    Returns:
        An item that was never taught in any wording or order.
    """
    while True:
        item = sum_of(rng, rng.randrange(10, 100), rng.randrange(10, 100))
        if is_held_out(item.key):
            return item
