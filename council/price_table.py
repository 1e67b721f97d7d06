"""Prices of hosted models from a kept library, where it is installed and the panel file gives none.

The library is `genai-prices`, the extra `council[prices]`. Its table is on the disk: nothing is
asked over the network. It is imported when the first price is looked for, which takes some tenths
of a second.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from council.config.schema import EmbedderConfig, WriterConfig
from council.prices import FREE, Price

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, PriceCalculation, Tier

EXTRA = "council[prices]"
"""What has to be installed for a table to be there."""

_READ, _WRITTEN, _CACHED = "input_mtok", "output_mtok", "cache_read_mtok"
# What is paid for besides: a sum over tokens alone would be too small.
_OTHER_FEES = ("requests_kcount", "output_reasoning_mtok", "output_citation_mtok")
# Fields of a request's body that ask for service at another price.
_OTHER_TARIFFS = frozenset({"service_tier", "speed"})


def price_for(config: WriterConfig | EmbedderConfig) -> Price | None:
    """What a model of a panel costs: by the panel file, else by the table; None if unknown."""
    if config.price is not None:
        return config.price.to_price()
    if config.endpoint is None:
        return FREE
    if _OTHER_TARIFFS & config.extra_body.keys():
        return None
    return table_price(config.endpoint, config.model, embeds=isinstance(config, EmbedderConfig))


def is_installed() -> bool:
    """Whether there is a table to look into."""
    return find_spec("genai_prices") is not None


def table_price(endpoints: Sequence[str], model: str, *, embeds: bool = False) -> Price | None:
    """The table's price of a model, where that is one price for all of its endpoints.

    Args:
        endpoints: Where the model is asked.
        model: Its name there.
        embeds: Whether it is an embedder, which writes no tokens that could cost anything.

    Returns:
        None where there is no table, or it does not know a host or the model, or the price is not
        one for tokens alone.
    """
    found = {_looked_up(endpoint, model, embeds=embeds) for endpoint in endpoints}
    return found.pop() if len(found) == 1 else None


def in_words(price: Price) -> str:
    """A price and where it is from."""
    steps = "".join(
        f", and more from {start + 1} tokens of the prompt on" for start, _ in price.steps[:1]
    )
    return (
        f"${price.input:g} in and ${price.output:g} out for a million tokens{steps}"
        f" ({price.table or 'from the panel'})"
    )


def charged(config: WriterConfig | EmbedderConfig) -> str:
    """What a model of a panel costs, in words; empty where that is not known, or nothing."""
    price = price_for(config)
    return in_words(price) if price and price != FREE else ""


def _looked_up(endpoint: str, model: str, *, embeds: bool) -> Price | None:
    url = urlsplit(endpoint.strip())
    if not _may_be_known(url) or not is_installed():
        return None
    # Imported when it is needed, as said above.
    from genai_prices import Usage, calc_price

    address = f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}"
    try:
        found = calc_price(Usage(input_tokens=0), model, provider_api_url=address)
    except LookupError:
        return None
    if not _is_whole_host(found.provider.api_pattern, address):
        return None
    return _price(found.model_price, _name_of(found), embeds=embeds)


def _may_be_known(url: SplitResult) -> bool:
    """Whether a host can be a provider's: it has a name, with a domain."""
    host = url.hostname or ""
    return "." in host and not host.endswith(".local") and not host.rpartition(".")[2].isdigit()


def _is_whole_host(pattern: str, address: str) -> bool:
    """Whether a provider's pattern is about this host, and not about one that begins like it."""
    match = re.match(pattern, address)
    rest = re.split(r"[/:]", address[match.end() :])[0] if match else "."
    # A pattern may leave the last label open.
    return not rest or (match is not None and match[0].endswith(".") and "." not in rest)


def _price(rates: ModelPrice, table: str, *, embeds: bool) -> Price | None:
    """One price from the table's rates; None where they have no such form."""
    if any(getattr(rates, fee) for fee in _OTHER_FEES):
        return None
    names = (_READ, _CACHED) if embeds else (_READ, _WRITTEN, _CACHED)
    starts = {tier.start for name in names for tier in _tiers(rates, name)}
    prices = [_at(rates, prompt, table, embeds=embeds) for prompt in (0, *sorted(starts))]
    if None in prices:
        return None
    first, *dearer = [price for price in prices if price is not None]
    steps = tuple(zip(sorted(starts), dearer, strict=True))
    return Price(first.input, first.output, first.cached_input, steps, table)


def _at(rates: ModelPrice, start: int, table: str, *, embeds: bool) -> Price | None:
    """The price from the tier on that begins there."""
    read, cached = _rate(rates, _READ, start), _rate(rates, _CACHED, start)
    written = 0.0 if embeds else _rate(rates, _WRITTEN, start)
    # A model in the table without a price is one whose price is not known, and not a free one.
    if read is None or written is None:
        return None
    return Price(read, written, cached, table=table)


def _rate(rates: ModelPrice, name: str, start: int) -> float | None:
    rate = getattr(rates, name)
    for tier in _tiers(rates, name):
        if start >= tier.start:
            return float(tier.price)
    base = getattr(rate, "base", rate)
    return None if base is None else float(base)


def _tiers(rates: ModelPrice, name: str) -> list[Tier]:
    """The tiers of a rate, the highest first."""
    return sorted(getattr(getattr(rates, name), "tiers", ()), key=lambda t: -t.start)


def _name_of(found: PriceCalculation) -> str:
    """The table's name with its version, and how new the newest price in it is."""
    from genai_prices import __version__

    if found.auto_update_timestamp is not None:
        return f"genai-prices, updated {found.auto_update_timestamp:%Y-%m-%d}"
    newest = _newest(datetime.now(UTC).date())
    return f"genai-prices {__version__}" + (f", its newest price of {newest}" if newest else "")


def _newest(today: date) -> date | None:
    """When the last price came into force of those that the bundled table dates."""
    from genai_prices.data import providers
    from genai_prices.types import StartDateConstraint

    dates = (
        entry.constraint.start_date
        for provider in providers
        for model in provider.models
        if isinstance(model.prices, list)
        for entry in model.prices
        if isinstance(entry.constraint, StartDateConstraint)
    )
    return max((start for start in dates if start <= today), default=None)
