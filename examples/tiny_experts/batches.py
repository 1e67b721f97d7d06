"""Group conversations of like length into padded batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

import torch
from tokenizers import Tokenizer
from torch import Tensor

from examples.tiny_experts.chat import Encoded, encode_turns
from examples.tiny_experts.corpus import Turn
from examples.tiny_experts.primer import encode_equation, equation

_POOL = 1024
"""Conversations sorted by length at a time; more would save little padding."""

_EQUATION_TOKENS = 16
"""Typical length of a bare equation with its control tokens."""


@dataclass(frozen=True)
class Batch:
    """Some conversations, padded with token 0 at the end.

    Attributes:
        ids: Inputs, shape (batch, length).
        keep: Positions whose next token is to be learnt, shape (batch, length).
        targets: Those next tokens, shape (number of kept positions,).
    """

    ids: Tensor
    keep: Tensor
    targets: Tensor


def collate(rows: list[Encoded]) -> Batch:
    """Pad conversations to one length and shift the targets.

    Args:
        rows: Encoded conversations.

    Returns:
        The batch.
    """
    longest = max(len(row.ids) for row in rows)
    ids = torch.zeros((len(rows), longest), dtype=torch.long)
    learn = torch.zeros((len(rows), longest), dtype=torch.bool)
    for index, row in enumerate(rows):
        ids[index, : len(row.ids)] = torch.tensor(row.ids)
        learn[index, : len(row.ids)] = torch.tensor(row.learn)
    keep = learn[:, 1:]
    return Batch(ids[:, :-1], keep, ids[:, 1:][keep])


def _cut(rows: list[Encoded], tokens: int) -> list[list[Encoded]]:
    """Split rows sorted by length into groups of at most ``tokens`` with padding."""
    groups: list[list[Encoded]] = [[]]
    for row in rows:
        if (len(groups[-1]) + 1) * len(row.ids) > tokens and groups[-1]:
            groups.append([])
        groups[-1].append(row)
    return groups


def conversation_batches(
    tokenizer: Tokenizer, source: Iterator[list[Turn]], seed: int, tokens: int, context: int
) -> Iterator[Batch]:
    """Draw batches of conversations without end.

    Args:
        tokenizer: The shared tokenizer.
        source: The conversations.
        seed: Equal seeds give equal orders.
        tokens: Upper bound of a batch's size, in tokens.
        context: Conversations longer than this many tokens are left out.

    Yields:
        The batches, in random order within each pool.
    """
    shuffler = Random(seed)
    while True:
        rows = [encode_turns(tokenizer, turns) for turns in islice(source, _POOL)]
        rows = sorted((row for row in rows if len(row.ids) <= context), key=lambda r: len(r.ids))
        groups = _cut(rows, tokens)
        shuffler.shuffle(groups)
        yield from map(collate, groups)


def equation_batch(tokenizer: Tokenizer, rng: Random, progress: float, tokens: int) -> Batch:
    """Draw a batch of bare equations.

    Args:
        tokenizer: The shared tokenizer.
        rng: Source of randomness.
        progress: Share of the training that is done, 0..1.
        tokens: Approximate size of the batch, in tokens.

    Returns:
        The batch.
    """
    texts = [equation(rng, progress) for _ in range(tokens // _EQUATION_TOKENS)]
    return collate([encode_equation(tokenizer, text) for text in texts])
