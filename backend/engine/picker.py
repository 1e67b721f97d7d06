"""The next token of an answer: drawn freely, and drawn again only where it is not allowed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from backend.chat.matcher import TooAmbiguousError
from backend.engine.guide import Guide
from backend.engine.llama import Sampler
from backend.engine.sampling import TokenInfo

_FEWEST = 256
"""Allowed tokens to choose from, where there are so many that not all are listed."""
_GLANCE = 2_048
"""Tokens that are likely enough to be looked at before all are put in order."""


class Picker:
    """Chooses the tokens of one answer.

    A grammar is asked about the one token that was drawn, which is nearly always allowed: to look
    at all tokens each time would cost more than to compute them.
    """

    def __init__(
        self,
        sampler: Sampler,
        guide: Guide | None,
        ends: Collection[int],
        *,
        size: int,
        shortest: int = 0,
        widest: int = 0,
    ) -> None:
        """Prepares.

        Args:
            sampler: Draws tokens; closed with this.
            guide: Says which are allowed; None for all.
            ends: The tokens that say that the answer is over.
            size: Number of tokens of the model.
            shortest: Tokens before which the answer does not end by itself.
            widest: How many tokens the sampler keeps, if it says so.
        """
        self._sampler = sampler
        self._guide = guide
        self._ends = frozenset(ends)
        self._size = size
        self._shortest = shortest
        self._most = max(_FEWEST, 2 * widest)

    @property
    def done(self) -> bool:
        """Whether the grammar has nothing left to say."""
        return self._guide is not None and self._guide.done

    def pick(self, row: int, generated: int) -> int | None:
        """The next token, from the logits at this position of the last batch; remembers it.

        Args:
            row: The position.
            generated: Tokens of the answer before this one.

        Returns:
            The token; None where nothing is allowed, or the grammar is too much work.
        """
        if self._guide is None and generated >= self._shortest:
            return self._sampler.sample(row)
        try:
            token = self._allowed(row, generated)
        except TooAmbiguousError:
            return None
        if token is not None:
            self._sampler.accept(token)
            if self._guide is not None and token not in self._ends:
                self._guide.accept(token)
        return token

    def report(self, row: int, token: int, alternatives: int) -> TokenInfo:
        """How likely a token was, and which ones were likeliest."""
        return self._sampler.report(row, token, alternatives)

    def close(self) -> None:
        """Frees the sampler; once."""
        self._sampler.close()

    def _allowed(self, row: int, generated: int) -> int | None:
        if self._guide is not None:
            self._guide.begin()
        may_end = self._may_end(generated)
        drawn = self._sampler.draw(row)
        if may_end if drawn in self._ends else self._guide is None or self._guide.allows(drawn):
            return drawn
        tokens = self._choices(row)
        if may_end or not tokens:
            # Where nothing else can come, the answer ends, be it too short.
            over = self._guide is None or self._guide.may_end
            tokens = [*tokens, *(self._ends if over else ())]
        return self._sampler.choose(row, np.array(tokens, np.int32)) if tokens else None

    def _may_end(self, generated: int) -> bool:
        return generated >= self._shortest and (self._guide is None or self._guide.may_end)

    def _choices(self, row: int) -> Sequence[int]:
        """Tokens that may come next and do not end the answer."""
        if self._guide is None:
            return [token for token in range(self._size) if token not in self._ends]
        ranked = self._sampler.ranked
        found = self._guide.choices(lambda: ranked(row, _GLANCE).tolist(), self._most)
        if found or self._size <= _GLANCE:
            return found
        return self._guide.choices(lambda: ranked(row, self._size).tolist(), self._most)
