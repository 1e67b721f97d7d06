"""Bare equations, learnt before and beside the conversations.

Finding the digits that belong together is the hard part of column addition, the
carry is not. With numbers of one length the places never move, and a model gets
nine unseen sums in ten right within a minute; from there it copes with mixed
lengths. Starting with mixed lengths takes more than ten times as long.
"""

from __future__ import annotations

from random import Random

from tokenizers import Tokenizer

from examples.tiny_experts.bpe import TURN_END, TURN_START, control_id, encode_plain
from examples.tiny_experts.chat import Encoded
from examples.tiny_experts.questions import draw
from examples.tiny_experts.questions.arithmetic import difference_of, sum_of
from examples.tiny_experts.split import is_held_out

TWO_DIGITS_UNTIL = 0.05
"""Share of the training up to which there are sums of two-digit numbers only."""

SHORT_UNTIL = 0.08
"""Share up to which there are sums and differences below one hundred only."""

ALL_UNTIL = 0.12
"""Share up to which there are equations only; conversations come after it."""


def _short(rng: Random) -> int:
    """Draw a number of two digits or, one time in five, of one."""
    return rng.randrange(10, 100) if rng.random() < 0.8 else rng.randrange(10)


def equation(rng: Random, progress: float) -> str:
    """Draw a taught equation that suits the progress of the training.

    Args:
        rng: Source of randomness.
        progress: Share of the training that is done, 0..1.

    Returns:
        Text such as ``17 + 25 = 42.``.
    """
    while True:
        if progress < TWO_DIGITS_UNTIL:
            item = sum_of(rng, rng.randrange(10, 100), rng.randrange(10, 100))
        elif progress < SHORT_UNTIL:
            make = sum_of if rng.random() < 0.6 else difference_of
            item = make(rng, _short(rng), _short(rng))
        else:
            item = draw("sums", rng, held_out=False)
        if not is_held_out(item.key):
            return item.answer


def encode_equation(tokenizer: Tokenizer, text: str) -> Encoded:
    """Encode an equation as a reply without a question.

    Args:
        tokenizer: The shared tokenizer.
        text: The equation.

    Returns:
        Ids and a mask that leaves out the operands: they cannot be foreseen.
    """
    given, _, result = text.partition("=")
    head = [control_id(tokenizer, TURN_START), *encode_plain(tokenizer, "assistant\n")]
    left = head + encode_plain(tokenizer, given + "=")
    right = [*encode_plain(tokenizer, result), control_id(tokenizer, TURN_END)]
    return Encoded(left + right, [False] * len(left) + [True] * len(right))
