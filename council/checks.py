"""What can only be checked of a panel once its parts are known: mistakes go to its document."""

from __future__ import annotations

from collections.abc import Sequence

from council.agents.embedder import Embedder, price_of
from council.config import PanelConfig
from council.config.document import Document
from council.config.hints import nearest
from council.config.schema import EMBEDDER_ID
from council.expert import Expert
from council.limits import default_quorum
from council.price_table import EXTRA, in_words, is_installed
from council.prices import FREE
from council.strategies import Strategy


def check_quorum(config: PanelConfig, document: Document) -> None:
    """Notes a quorum larger than the panel."""
    quorum, experts = config.limits.quorum, len(config.experts)
    if quorum is not None and quorum > experts:
        problem = (
            f"{quorum} is more than the {experts} experts there are"
            f" (default here: {default_quorum(experts)})"
        )
        document.mistakes.follow(document.error(("limits", "quorum"), problem))


def check_families(needed: int, experts: Sequence[Expert], document: Document) -> None:
    """Notes a quorum of more model families than the panel has."""
    families = sorted({expert.info.family for expert in experts})
    if needed > len(families):
        problem = (
            f"{needed} is more than the {len(families)} model families there are"
            f" ({', '.join(families)}): `family` says which experts are siblings"
        )
        document.mistakes.follow(document.error(("limits", "quorum_families"), problem))


def check_seats(strategy: Strategy, ids: Sequence[str], document: Document) -> None:
    """Notes an option of the strategy that names somebody who is not there."""
    known = list(dict.fromkeys(ids))
    for option, named in strategy.seats().items():
        for id in named:
            if id not in known:
                problem = f"no expert or synthesizer is called {id!r}{nearest(id, known)}"
                document.mistakes.follow(document.error(("strategy", option), problem))


def check_prices(cost: float | None, unpriced: Sequence[str], document: Document) -> None:
    """Notes a limit of money where it cannot be told what somebody costs."""
    if cost is not None and unpriced:
        document.mistakes.follow(document.error(("limits", "cost"), price_problem(unpriced)))


def unpriced(seats: Sequence[Expert], embedder: Embedder | None) -> list[str]:
    """The ids of those whose price is not known, each once."""
    ids = [seat.id for seat in seats if seat.price is None]
    if embedder is not None and price_of(embedder) is None:
        ids.append(EMBEDDER_ID)
    return list(dict.fromkeys(ids))


def price_problem(unpriced: Sequence[str]) -> str:
    """Why there can be no limit of money, and the way out."""
    table = (
        "the installed table of prices does not have them"
        if is_installed()
        else f"for hosted models pip install '{EXTRA}' brings a table of prices"
    )
    return (
        f"nobody knows what {', '.join(unpriced)} would cost: give each a price"
        " (price: {input: 2.5, output: 10.0}, in US dollars for a million tokens), or limit tokens;"
        f" {table}"
    )


def price_lines(seats: Sequence[Expert], embedder: Embedder | None) -> list[str]:
    """What is known of prices and where from, a line for each id; none for what costs nothing."""
    prices = {seat.id: seat.price for seat in seats}
    if embedder is not None:
        prices[EMBEDDER_ID] = price_of(embedder)
    charged = {id: price for id, price in prices.items() if price != FREE}
    if not any(charged.values()):
        return []  # who gave no price has not asked for one
    return [
        f"{id}: {in_words(price) if price else 'price not known'}" for id, price in charged.items()
    ]
