"""The vectors of one run: each text is embedded once, within the run's time."""

from __future__ import annotations

from collections.abc import Sequence

import anyio

from council.agents.embedder import Embedder
from council.errors import AgentError, StrategyError
from council.limits import Deadline
from council.messages import Usage


class Embedding:
    """Embeds the texts of one run.

    Args:
        embedder: Who does it; None where the panel has nobody.
        deadline: When the run has to be over.
        limiter: Bounds how many requests are under way at once.

    Attributes:
        usage: The sum over all calls.
    """

    def __init__(
        self, embedder: Embedder | None, deadline: Deadline, limiter: anyio.CapacityLimiter
    ) -> None:
        self.usage = Usage()
        self._embedder = embedder
        self._deadline = deadline
        self._limiter = limiter
        self._known: dict[str, tuple[float, ...]] = {}

    @property
    def is_possible(self) -> bool:
        """Whether there is an embedder."""
        return self._embedder is not None

    async def embed(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """A vector for each text; those of texts seen before are not asked for again.

        Raises:
            StrategyError: There is no embedder, it failed, or the run's deadline passed first.
        """
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            self._known.update(zip(new, await self._vectors(new), strict=True))
        return [self._known[text] for text in texts]

    async def _vectors(self, texts: Sequence[str]) -> tuple[tuple[float, ...], ...]:
        if self._embedder is None:
            raise StrategyError(
                "the answers cannot be embedded: the panel has no `embedder`"
                " (write embedder: {model: NAME, endpoint: URL})"
            )
        with anyio.CancelScope(deadline=self._deadline.ends):
            async with self._limiter:
                try:
                    embedded = await self._embedder.embed(texts)
                except AgentError as error:
                    raise StrategyError(f"the answers could not be embedded: {error}") from error
                except Exception as error:
                    # A plug-in's defect must come out as what it prevents.
                    cause = f"{type(error).__name__}: {error}"
                    raise StrategyError(f"the answers could not be embedded: {cause}") from error
            self.usage += embedded.usage
            return embedded.vectors
        raise StrategyError(
            f"the answers were not embedded before the deadline of {self._deadline.seconds:g} s"
        )
