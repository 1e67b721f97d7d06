"""A request as the owner thread of a context takes it."""

from __future__ import annotations

from dataclasses import dataclass

from backend.engine.guide import Guide
from backend.engine.sampling import Sampling


@dataclass(frozen=True, slots=True)
class Request:
    """A request that fits.

    Attributes:
        id: The server's number for it.
        tokens: The prompt.
        budget: Most tokens to generate, at least one.
        sampling: How tokens are chosen.
        stop: Texts that end it.
        fresh: Whether it starts from an empty context when it is alone.
        guide: What its answer has to look like.
        logprobs: How many alternatives to tell for each token; None tells nothing of tokens.
        shortest: Tokens before which it does not end by itself.
        specials: Whether control tokens show in its text.
    """

    id: int
    tokens: tuple[int, ...]
    budget: int
    sampling: Sampling
    stop: tuple[str, ...]
    fresh: bool
    guide: Guide | None = None
    logprobs: int | None = None
    shortest: int = 0
    specials: bool = False
