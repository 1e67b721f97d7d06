"""A run's limits of tokens and money as arithmetic: nothing is asked, awaited or timed here.

What a request may use at most is reserved before it goes out, and settled by what it used. As long
as nobody uses more than was reserved, no limit is passed, whatever the order of events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from council.errors import LimitReached
from council.prices import dollars, picodollars


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens, and what they cost in picodollars; neither is negative."""

    tokens: int = 0
    picodollars: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.tokens + other.tokens, self.picodollars + other.picodollars)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.tokens - other.tokens, self.picodollars - other.picodollars)


@dataclass(slots=True, eq=False)
class Hold:
    """An amount that is set aside until it is settled."""

    amount: Amount
    is_open: bool = True


@dataclass(slots=True)
class Budget:
    """What a run may use, what it has used, and what is set aside for requests under way.

    Attributes:
        tokens: The limit of tokens, None for no limit.
        cost: The limit of money, in US dollars; None for no limit.
        spent: What was used.
        held: What is set aside.
        refused: The limit that kept a request from being sent, by the request's id.
        shortened: The limit that made a request ask for less than it might, by the request's id.
    """

    tokens: int | None = None
    cost: float | None = None
    spent: Amount = field(default_factory=Amount, init=False)
    held: Amount = field(default_factory=Amount, init=False)
    refused: dict[str, str] = field(default_factory=dict, init=False)
    shortened: dict[str, str] = field(default_factory=dict, init=False)
    _waiting: set[str] = field(default_factory=set, init=False)

    @property
    def free_tokens(self) -> int | None:
        """Tokens that nobody has used or set aside, None for any number."""
        taken = self.spent.tokens + self.held.tokens
        return None if self.tokens is None else max(0, self.tokens - taken)

    @property
    def free_picodollars(self) -> int | None:
        """Money that nobody has used or set aside, None for any amount."""
        taken = self.spent.picodollars + self.held.picodollars
        return None if self.cost is None else max(0, picodollars(self.cost) - taken)

    @property
    def waiting(self) -> int:
        """How many requests are expected that have nothing set aside yet."""
        return len(self._waiting)

    def expect(self, id: str) -> None:
        """A request is going to be made: what is free is shared with it."""
        self._waiting.add(id)

    def forget(self, id: str) -> None:
        """A request is not going to be made any more, or has been."""
        self._waiting.discard(id)

    def too_much(self, amount: Amount) -> str | None:
        """The limit that an amount does not fit into, None where it fits."""
        if self.free_tokens is not None and amount.tokens > self.free_tokens:
            return "tokens"
        if self.free_picodollars is not None and amount.picodollars > self.free_picodollars:
            return "cost"
        return None

    def reserve(self, id: str, amount: Amount) -> Hold:
        """Sets an amount aside for a request.

        Raises:
            LimitReached: It is more than is free; nothing is set aside then.
        """
        self.forget(id)
        limit = self.too_much(amount)
        if limit is not None:
            self.refused[id] = limit
            raise LimitReached(limit, f"not asked: {self._complaint(limit, amount)}")
        self.held += amount
        return Hold(amount)

    def settle(self, hold: Hold, used: Amount) -> None:
        """Puts what was used in the place of what was set aside; the rest is free again.

        Raises:
            ValueError: It was settled before.
        """
        if not hold.is_open:
            raise ValueError("this was settled before")
        hold.is_open = False
        self.held -= hold.amount
        self.spent += used

    def named(self, limit: str) -> str:
        """A limit in words: `the run's limit of 1000 tokens`."""
        what = f"{self.tokens} tokens" if limit == "tokens" else _dollars(self.cost or 0.0)
        return f"the run's limit of {what}"

    def _complaint(self, limit: str, amount: Amount) -> str:
        if limit == "tokens":
            left, needed = f"{self.free_tokens} left", f"{amount.tokens}"
        else:
            left = f"{_dollars(dollars(self.free_picodollars or 0))} left"
            needed = _dollars(dollars(amount.picodollars))
        return f"{self.named(limit)} has {left}, and this may take up to {needed}"


def _dollars(amount: float) -> str:
    """An amount with four digits that count, never as a power of ten."""
    return f"${Decimal(f'{amount:.4g}'):f}"
