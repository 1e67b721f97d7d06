"""Time limits as values and pure arithmetic; nobody sleeps or waits here.

Every function takes the time it is asked for (`now`, in seconds of one monotonic clock), so that
the arithmetic can be tested without a clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from council.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits for one reply, in seconds.

    Attributes:
        connect: For the connection to stand.
        first_token: From the request to the first token. A local model may need a minute to read
            its prompt, so this limit is apart from `idle`.
        idle: Between two reads once the reply has begun.
        total: For the whole reply.
    """

    connect: float = 5.0
    first_token: float = 60.0
    idle: float = 20.0
    total: float = 120.0


@dataclass(slots=True)
class ProgressClock:
    """Follows one reply and knows which limit is the next to pass, and when.

    `idle` is counted from the moment somebody waits for more, so that a slow reader is not the
    server's fault, and bytes of any kind (a keep-alive comment too) begin it anew.

    Attributes:
        timeouts: The limits.
        started: When the request was sent.
        has_token: Whether a token has arrived: from there on `idle` holds and not `first_token`.
    """

    timeouts: Timeouts
    started: float
    has_token: bool = field(init=False, default=False)

    def next_limit(self, now: float) -> tuple[float, str]:
        """Seconds that a wait begun now may take (at least 0), and the name of its limit."""
        total = self.started + self.timeouts.total
        if self.has_token:
            near, name = now + self.timeouts.idle, "idle"
        else:
            near, name = self.started + self.timeouts.first_token, "first_token"
        if total <= near:
            near, name = total, "total"
        return max(0.0, near - now), name

    def seconds_of(self, limit: str) -> float:
        """How long the limit of that name is."""
        seconds: float = getattr(self.timeouts, limit)
        return seconds


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment at which a run has to be over; stages take their share of what is left."""

    seconds: float
    started: float

    @property
    def ends(self) -> float:
        """When it passes."""
        return self.started + self.seconds

    def remaining(self, now: float) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.ends - now)

    def share(self, part: float, now: float) -> float:
        """Seconds of a stage that may use `part` (0 to 1) of what is left."""
        return self.remaining(now) * part


def default_quorum(experts: int) -> int:
    """How many of `experts` must give a substantive answer unless the panel file says otherwise.

    One expert is a panel of one, and two must both answer: a panel in which one voice is left is
    not a panel. From three on it is half of them, rounded up, and at least two.
    """
    return min(experts, max(2, math.ceil(experts / 2)))


def checked_limit(name: str, what: str, value: float | None) -> float | None:
    """The value, if it can limit a run; None limits nothing.

    Raises:
        ConfigError: It is not a positive number.
    """
    if value is not None and not 0 < value < math.inf:
        raise ConfigError(f"{name}: expected a positive {what}, got {value}")
    return value


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Limits of whole runs.

    Attributes:
        deadline: Seconds that a run may take.
        quorum: How many experts must answer, None for `default_quorum`.
        quorum_families: From how many model families these must be.
        concurrency: How many requests may be under way at once, over all runs of a council.
        tokens: How many tokens a run may use, prompts and replies together; None for no limit.
        cost: How many US dollars a run may cost; None for no limit.
        tool_turns: How many times a reply may ask for tools before it has to be an answer.
    """

    deadline: float = 300.0
    quorum: int | None = None
    quorum_families: int = 1
    concurrency: int = 8
    tokens: int | None = None
    cost: float | None = None
    tool_turns: int = 8
