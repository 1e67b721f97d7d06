"""What an answer costs whoever asked for it, and how it ends when it takes too long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backend.api.failures import unserved
from backend.engine.generation import Generation
from backend.engine.inflight import Job
from serving.exchange import BYTES_PER_TOKEN, current

_ANSWER = 256
"""Tokens that an answer without a limit is taken for."""


def reserve(prompts: Iterable[Sequence[Job]]) -> None:
    """Sets aside what jobs will cost at most, as well as that is known before they begin.

    Args:
        prompts: For each prompt its choices.

    Raises:
        Refusal: Whoever asks has not as many tokens left.
    """
    if (exchange := current()) is not None:
        exchange.expect(sum(map(_most, prompts)))


def _most(choices: Sequence[Job]) -> int:
    prompt = choices[0].prompt
    size = len(prompt) // BYTES_PER_TOKEN if isinstance(prompt, str) else len(prompt)
    return size + sum(job.max_tokens or _ANSWER for job in choices)


def follow(prompt_tokens: int, generations: Sequence[Generation]) -> None:
    """Charges what was written however it ends, and ends it when its time is up.

    Args:
        prompt_tokens: Of all prompts.
        generations: The choices; the first one's reader reads them all.
    """
    if (exchange := current()) is None:
        return
    exchange.meter(lambda: prompt_tokens + sum(each.generated for each in generations))
    exchange.when_late(lambda error: generations[0].fail(unserved(error)))


def charge(tokens: int) -> None:
    """Charges tokens that were used at once."""
    if (exchange := current()) is not None:
        exchange.meter(lambda: tokens)
