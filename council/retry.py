"""When to try again, and after how long: pure arithmetic; sleeping is somebody else's."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from council.errors import AgentError, AgentTimeout, StreamError, TransportError

RETRYABLE_STATUSES = frozenset({408, 409, 425, 429, *range(500, 600)})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently to try again.

    Attributes:
        retries: How many times after the first, 0 for never.
        base: Upper bound of the first wait, in seconds; it doubles from try to try.
        longest: The longest wait, in seconds; a server that asks for more is not waited for.
    """

    retries: int = 2
    base: float = 0.5
    longest: float = 60.0

    def wait(self, tried: int, error: AgentError, random: Random) -> float | None:
        """Seconds to wait before the next try, None to give up.

        Exponential back-off with full jitter, so that clients that failed together do not come
        back together; never less than the server asks for.

        Args:
            tried: How many tries there were, at least 1.
            error: How the last one failed.
            random: The source of jitter.
        """
        if tried > self.retries or not is_retryable(error):
            return None
        asked = error.retry_after if isinstance(error, TransportError) else None
        if asked is not None and asked > self.longest:
            return None
        jitter = random.uniform(0.0, min(self.longest, self.base * 2 ** min(tried - 1, 32)))
        return max(asked or 0.0, jitter)


def is_retryable(error: AgentError) -> bool:
    """Whether the same request may go better a moment later.

    That is a connection that failed or broke off, a server that is overloaded or failing, and an
    error in the stream; not a refused request, not a certificate that is not trusted, and not a
    limit of ours that has passed.
    """
    if isinstance(error, TransportError):
        if error.permanent:
            return False
        return error.status is None or error.status in RETRYABLE_STATUSES
    if isinstance(error, AgentTimeout):
        return error.limit == "connect"
    return isinstance(error, StreamError)
