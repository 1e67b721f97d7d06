"""Decide which questions are held out of training.

The decision is a hash of a question's *content* (not of its wording, order or
position in a run), so training and evaluation agree on it without sharing any
state, and a pair of numbers held out in one field is held out in all of them.
"""

from __future__ import annotations

import hashlib

HELD_OUT_PERCENT = 10
"""Share of the keys kept out of training, in percent."""

ALWAYS_HELD_OUT = frozenset({"sum:17+25"})
"""Keys held out whatever their hash: the sum everybody tries first."""


def sum_key(a: int, b: int) -> str:
    """Name the sum ``a + b`` without regard to the order of its terms.

    Args:
        a: One term.
        b: The other term.

    Returns:
        The key, for example ``sum:17+25``. A difference ``c - b = a`` is the same
        piece of knowledge read backwards and so takes this key too.
    """
    low, high = sorted((a, b))
    return f"sum:{low}+{high}"


def is_held_out(key: str) -> bool:
    """Tell whether a key belongs to the held-out part.

    Args:
        key: Canonical content of a question.

    Returns:
        True for about ``HELD_OUT_PERCENT`` of all keys. Keys that start with
        ``always:`` (single-digit sums, greetings) are never held out.
    """
    if key in ALWAYS_HELD_OUT:
        return True
    if key.startswith("always:"):
        return False
    digest = hashlib.blake2b(key.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 100 < HELD_OUT_PERCENT
