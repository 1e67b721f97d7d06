"""What each caller has used of its rates: a key's name, or where there are no keys an address."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

from serving.errors import RateExceeded
from serving.window import SECOND, Window

_MOST_CALLERS = 10_000
"""Callers that are remembered; addresses are free, memory is not."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How much a caller may use in any minute; 0 for any amount."""

    requests: int = 0
    tokens: int = 0


class Account:
    """What one caller has used."""

    __slots__ = ("rates", "requests", "tokens")

    def __init__(self, rates: Rates) -> None:
        """Starts unused."""
        self.rates = rates
        self.requests = Window(rates.requests)
        self.tokens = Window(rates.tokens)

    def change(self, rates: Rates) -> None:
        """Sets other rates; what was used stays used."""
        self.rates = rates
        self.requests.limit, self.tokens.limit = rates.requests, rates.tokens

    def enter(self, tokens: int, now: int) -> int:
        """Counts a request, and sets tokens aside for it; returns how many, for ``settle``.

        Raises:
            RateExceeded: There is no room for it; then nothing is counted.
        """
        if self.rates.requests:
            _require(self.requests, 1, now, "requests")
        held = self.hold(tokens, now)
        if self.rates.requests:
            self.requests.take(1, now)
        return held

    def hold(self, tokens: int, now: int) -> int:
        """Sets tokens aside; returns how many, which is never more than the limit.

        Raises:
            RateExceeded: There are not as many left.
        """
        if not self.rates.tokens:
            return 0
        _require(self.tokens, tokens, now, "tokens")
        held = min(tokens, self.rates.tokens)
        self.tokens.held += held
        return held

    def settle(self, held: int, used: int, now: int) -> None:
        """A request is over: what it used takes the place of what was set aside."""
        self.tokens.held -= held
        if self.rates.tokens:
            self.tokens.take(used, now)

    def headers(self, now: int) -> dict[str, str]:
        """What is left, as OpenAI's API says it."""
        found = {}
        for name, window in (("requests", self.requests), ("tokens", self.tokens)):
            if window.limit:
                found[f"x-ratelimit-limit-{name}"] = str(window.limit)
                found[f"x-ratelimit-remaining-{name}"] = str(max(0, window.left(now)))
                found[f"x-ratelimit-reset-{name}"] = _duration(window.reset(now))
        return found


class Accounts:
    """The accounts of all callers; those that were not seen for long are forgotten first."""

    def __init__(self, most: int = _MOST_CALLERS) -> None:
        """Takes how many are remembered."""
        self._most = most
        self._known: OrderedDict[str, Account] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def of(self, caller: str, rates: Rates) -> Account | None:
        """A caller's account, None where nothing is limited."""
        if not (rates.requests or rates.tokens):
            return None
        account = self._known.get(caller)
        if account is None:
            account = self._known[caller] = Account(rates)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        elif account.rates != rates:
            account.change(rates)
        self._known.move_to_end(caller)
        return account


def peer_of(address: str) -> str:
    """Who an address is: in IPv6 everybody has 2⁶⁴ of them, so their first half counts."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def _require(window: Window, amount: int, now: int, what: str) -> None:
    if not window.fits(amount, now):
        raise RateExceeded(what, window.limit, window.wait(amount, now) / SECOND)


def _duration(nanoseconds: int) -> str:
    """A duration as in ``1m0s``, ``12.5s`` or ``0s``."""
    minutes, rest = divmod(nanoseconds, 60 * SECOND)
    seconds = f"{rest / SECOND:.3f}".rstrip("0").rstrip(".")
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
