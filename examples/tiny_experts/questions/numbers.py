"""Comparisons and parity."""

from __future__ import annotations

from random import Random

from examples.tiny_experts.questions.arithmetic import operand
from examples.tiny_experts.questions.base import Item, yes_no

# fmt: off
_LARGER = (
    "Which is larger, {a} or {b}?", "Which number is larger: {a} or {b}?", "larger: {a} or {b}?",
    "Which is bigger, {a} or {b}?", "Which number is bigger, {a} or {b}?",
    "What is the max of {a} and {b}?",
    "Which one is greater, {a} or {b}?", "Which is more, {a} or {b}?",
    "{a} or {b}, which is larger?",
    "{a} or {b}, which is bigger?", "What is larger: {a} or {b}?", "What is bigger, {a} or {b}?",
    "Is {a} or {b} larger?", "Is {a} or {b} bigger?", "Tell me the larger of {a} and {b}.",
    "Which is the larger number, {a} or {b}?", "Which is higher, {a} or {b}?",
)

_SMALLER = (
    "Which is smaller, {a} or {b}?", "Which number is smaller: {a} or {b}?", "smaller: {a} or {b}?",
    "Which is less, {a} or {b}?", "What is smaller, {a} or {b}?", "{a} or {b}, which is smaller?",
    "Tell me the smaller of {a} and {b}.", "Which number is lower, {a} or {b}?",
    "Is {a} or {b} smaller?", "What is the min of {a} and {b}?",
)

_GREATER = (
    "Is {a} > {b}?", "Is {a} larger than {b}?", "Is {a} bigger than {b}?", "{a} > {b}?",
    "Is {a} greater than {b}?", "Is {a} more than {b}?", "Is the number {a} larger than {b}?",
    "{a} is larger than {b}, yes or no?", "Is it true that {a} > {b}?",
)

_LESS = (
    "Is {a} < {b}?", "Is {a} smaller than {b}?", "Is {a} less than {b}?", "{a} < {b}?",
    "{a} is smaller than {b}, yes or no?", "Is it true that {a} < {b}?",
)

_EQUAL = (
    "Is {a} equal to {b}?", "Is {a} = {b}?", "Are {a} and {b} equal?", "Are {a} and {b} the same?",
)

_IS_EVEN = (
    "Is {a} even?", "Is {a} an even number?", "Is the number {a} even?", "{a} is even, yes or no?",
)
_IS_ODD = (
    "Is {a} odd?", "Is {a} an odd number?", "Is the number {a} odd?", "{a} is odd, yes or no?",
)
_EVEN_OR_ODD = (
    "Is {a} even or odd?", "Even or odd: {a}?", "{a}: even or odd?", "Is {a} odd or even?",
)
# fmt: on


def _other(rng: Random, a: int) -> int:
    """Draw a number unlike ``a``, often close to it so that the digits matter."""
    b = a
    while b == a:
        b = max(0, a + rng.randrange(-20, 21)) if rng.random() < 0.3 else operand(rng)
    return b


def comparisons(rng: Random) -> Item:
    """Draw a comparison of two numbers of 0..999.

    Args:
        rng: Source of randomness.

    Returns:
        An item that asks for the larger, the smaller, or for yes or no.
    """
    a = operand(rng)
    b = _other(rng, a)
    key = f"compare:{min(a, b)},{max(a, b)}"
    ask = rng.random()
    if ask < 0.35:
        answer = f"The larger number is {max(a, b)}."
        return Item(key, rng.choice(_LARGER).format(a=a, b=b), answer)
    if ask < 0.55:
        answer = f"The smaller number is {min(a, b)}."
        return Item(key, rng.choice(_SMALLER).format(a=a, b=b), answer)
    if ask < 0.75:
        return Item(key, rng.choice(_GREATER).format(a=a, b=b), yes_no(a > b))
    if ask < 0.92:
        return Item(key, rng.choice(_LESS).format(a=a, b=b), yes_no(a < b))
    b = a if rng.random() < 0.5 else b
    return Item(key, rng.choice(_EQUAL).format(a=a, b=b), yes_no(a == b))


def parity(rng: Random) -> Item:
    """Draw a question about even and odd numbers of 0..999.

    Args:
        rng: Source of randomness.

    Returns:
        An item answered by ``Yes.``, ``No.`` or ``7 is odd.``.
    """
    a = operand(rng)
    key, even = f"parity:{a}", a % 2 == 0
    ask = rng.random()
    if ask < 0.35:
        return Item(key, rng.choice(_IS_EVEN).format(a=a), yes_no(even))
    if ask < 0.7:
        return Item(key, rng.choice(_IS_ODD).format(a=a), yes_no(not even))
    answer = f"{a} is {'even' if even else 'odd'}."
    return Item(key, rng.choice(_EVEN_OR_ODD).format(a=a), answer)
