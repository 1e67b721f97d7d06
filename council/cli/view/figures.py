"""How much a reply wrote, how fast and for what: numbers, and the words for them."""

from __future__ import annotations

from dataclasses import dataclass

from council.messages import CHARACTERS_PER_TOKEN
from council.prices import Price, dollars, in_dollars
from council.replies import Reply

# A rate over less time says more about the network than about the model.
_SHORTEST = 0.05


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of a reply in numbers.

    Attributes:
        tokens: How many it wrote.
        counted: Whether the server counted them; else it is an estimate.
        rate: Tokens per second of writing, None where too little is known.
        seconds: How long it took; None while it goes on.
        cost: In US dollars; None where it is not known or nothing.
    """

    tokens: int = 0
    counted: bool = False
    rate: float | None = None
    seconds: float | None = None
    cost: float | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The figures that are known, the most important ones first."""
        about = "" if self.counted else "~"
        words = []
        if self.tokens:
            words.append(f"{about}{self.tokens} tok")
        if self.cost:
            words.append(in_dollars(self.cost))
        if self.rate is not None:
            words.append(f"{self.rate:.0f}/s" if self.rate >= 10 else f"{self.rate:.1f}/s")
        if self.seconds is not None:
            words.append(f"{self.seconds:.1f} s")
        return tuple(words)


def figures_of(reply: Reply, price: Price | None) -> Figures:
    """The figures of a reply that is over; the price is of the id that wrote it."""
    usage, timings = reply.usage, reply.timings
    if usage is None:
        return Figures(seconds=timings.total)
    writing = timings.total - (timings.first_token or 0.0)
    # What tools took is no time of writing.
    timed = timings.first_token is not None and not reply.tools
    return Figures(
        tokens=usage.completion_tokens,
        counted=not usage.estimated,
        rate=_rate(usage.completion_tokens, writing) if timed else None,
        seconds=timings.total,
        cost=dollars(price.of(usage)) if price else None,
    )


def figures_so_far(pieces: int, characters: int, seconds: float) -> Figures:
    """The figures of a reply under way.

    Args:
        pieces: In how many pieces it came: most servers send one for each token.
        characters: How long it is.
        seconds: From its first piece to its last.
    """
    tokens = max(pieces, characters // CHARACTERS_PER_TOKEN)
    return Figures(tokens, rate=_rate(tokens - 1, seconds))


def _rate(tokens: int, seconds: float) -> float | None:
    return tokens / seconds if tokens > 0 and seconds >= _SHORTEST else None
