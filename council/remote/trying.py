"""Asking a gateway again, where that asks nothing twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

import anyio

from council.errors import AgentError, TransportError
from council.remote.failures import NotReached
from council.retry import RetryPolicy

T = TypeVar("T")

_REFUSED = (429, 503)  # by a gateway that is full, or about to end: it has begun nothing


def has_begun_nothing(error: AgentError) -> bool:
    """Whether a request that begins a run has certainly begun none."""
    if isinstance(error, NotReached):
        return True
    return isinstance(error, TransportError) and error.status in _REFUSED


async def patiently(
    work: Callable[[], Awaitable[T]],
    policy: RetryPolicy,
    random: Random,
    may_repeat: Callable[[AgentError], bool] = lambda error: True,
) -> T:
    """Does something, and again after failures that may pass.

    Args:
        work: What to do.
        policy: How often and how patiently.
        random: The source of jitter.
        may_repeat: Whether it can be done again after a failure.

    Raises:
        AgentError: The last failure.
    """
    tried = 0
    while True:
        tried += 1
        try:
            return await work()
        except AgentError as error:
            wait = policy.wait(tried, error, random) if may_repeat(error) else None
            if wait is None:
                raise
        await anyio.sleep(wait)
