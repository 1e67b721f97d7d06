"""What tokens cost, as exact arithmetic over whole numbers; `price_table` has prices to look up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from council.errors import ConfigError
from council.messages import Usage

# Sums of whole numbers do not depend on their order, and those of fractions of a dollar would.
_PICO = 10**12
_PICO_PER_TOKEN = 10**6  # of a price of one dollar for a million tokens


@dataclass(frozen=True, slots=True)
class Price:
    """What a model's tokens cost, in US dollars for a million of them.

    Attributes:
        input: Tokens of the prompt.
        output: Tokens of the reply, its reasoning included.
        cached_input: Tokens of the prompt that a cache had; None for the price of `input`.
        steps: Prices for longer prompts, the shortest first: from more tokens of the prompt than
            the number on, that price is the one of all tokens of the request.
        table: The table that it is from, with its version; empty for a price that was given.
    """

    input: float
    output: float
    cached_input: float | None = None
    steps: tuple[tuple[int, Price], ...] = ()
    table: str = ""

    def __post_init__(self) -> None:
        for name in ("input", "output", "cached_input"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise ConfigError(f"price: {name} has to be a number from 0 on, not {value}")

    def of(self, usage: Usage) -> int:
        """What that usage of one request costs, in picodollars."""
        price = self._reached(usage.prompt_tokens)[-1]
        cached = min(usage.cached_tokens, usage.prompt_tokens)
        read = (usage.prompt_tokens - cached) * _rate(price.input)
        written = usage.completion_tokens * _rate(price.output)
        return read + cached * price._cached_rate + written

    def at_most(self, prompt: int, completion: int) -> int:
        """The most that a request of so many tokens may cost, in picodollars, cached or not."""
        # The prompt may be shorter than that, and a longer one need not be dearer.
        return max(
            prompt * max(_rate(price.input), price._cached_rate) + completion * _rate(price.output)
            for price in self._reached(prompt)
        )

    def affordable(self, picodollars: int, prompt: int = 0) -> int | None:
        """How many tokens of a reply that buys, to a prompt of that many at most.

        Returns:
            None where they cost nothing.
        """
        rate = max(_rate(price.output) for price in self._reached(prompt))
        return max(0, picodollars) // rate if rate else None

    @property
    def _cached_rate(self) -> int:
        return _rate(self.input if self.cached_input is None else self.cached_input)

    def _reached(self, prompt: int) -> list[Price]:
        """The prices that hold for prompts up to that length; the last one for that length."""
        return [self, *(price for start, price in self.steps if prompt > start)]


FREE = Price(0.0, 0.0)
"""The price of a model that the bundled backend serves."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run cost, in US dollars, as far as it is known.

    Attributes:
        amount: The whole cost; None where somebody's price is not known, which is never 0.
        at_least: What those with a price cost.
        unpriced: The ids of those who were asked and have no price.
        estimated: True where tokens were estimated, because no server counted them.
        tabled: The ids of those whose price is from a table.
        table: That table, with its version; empty where all prices were given.
    """

    amount: float | None = None
    at_least: float = 0.0
    unpriced: tuple[str, ...] = ()
    estimated: bool = False
    tabled: tuple[str, ...] = ()
    table: str = ""

    @property
    def known(self) -> bool:
        """Whether all of it is known."""
        return self.amount is not None


def total_cost(spending: Iterable[tuple[str, Usage, Price | None]]) -> Cost:
    """The cost of a run.

    Args:
        spending: Who used what at which price, None where that is not known.
    """
    used = [entry for entry in spending if entry[1].total_tokens]
    unpriced = tuple(dict.fromkeys(id for id, _, price in used if price is None))
    tabled = {id: price.table for id, _, price in used if price is not None and price.table}
    priced = [(price, usage) for _, usage, price in used if price is not None]
    known = dollars(sum(price.of(usage) for price, usage in priced))
    return Cost(
        amount=None if unpriced else known,
        at_least=known,
        unpriced=unpriced,
        estimated=any(usage.estimated for _, usage in priced),
        tabled=tuple(tabled),
        table=next(iter(tabled.values()), ""),
    )


def dollars(picodollars: int) -> float:
    """Picodollars as US dollars."""
    return picodollars / _PICO


def in_dollars(amount: float) -> str:
    """An amount of US dollars for people, with as many places as show it."""
    return f"${amount:.2f}" if amount >= 1 else f"${amount:.2g}" if amount >= 1e-4 else "<$0.0001"


def picodollars(dollars: float) -> int:
    """US dollars as picodollars, rounded to the nearest."""
    return round(dollars * _PICO)


def _rate(per_million: float) -> int:
    """The price of one token, in picodollars."""
    return round(per_million * _PICO_PER_TOKEN)
