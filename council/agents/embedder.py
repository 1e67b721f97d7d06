"""The contract of an embedder: texts in, vectors out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from council.messages import Usage
from council.prices import Price


@dataclass(frozen=True, slots=True)
class Embedded:
    """What an embedder made of some texts.

    Attributes:
        vectors: One for each text, in their order; all of one length, all finite.
        usage: As the server counted; estimated from the texts' lengths where it did not.
    """

    vectors: tuple[tuple[float, ...], ...]
    usage: Usage


@runtime_checkable
class Embedder(Protocol):
    """Something that turns texts into vectors whose angles tell how alike they are.

    Attributes:
        model: The model's name as the server knows it.
    """

    @property
    def model(self) -> str: ...

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Embeds texts, at least one.

        Raises:
            AgentError: There are no vectors for all of them.
        """
        ...

    async def aclose(self) -> None:
        """Releases what the embedder holds. May be called more than once."""
        ...


def price_of(embedder: Embedder | None) -> Price | None:
    """What an embedder's tokens cost, None where it has no attribute `price` that says so."""
    price = getattr(embedder, "price", None)
    return price if isinstance(price, Price) else None


def fields_of(embedder: Embedder) -> Mapping[str, Any]:
    """What an embedder asks for besides the model, by its attribute `extra` if it has one.

    Vectors of one model with other such fields (`dimensions`) may be no vectors of one space.
    """
    extra = getattr(embedder, "extra", None)
    return extra if isinstance(extra, Mapping) else {}
