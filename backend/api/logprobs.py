"""How likely tokens were, as clients read it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from backend.engine.sampling import TokenInfo
from backend.schema.completion import Logprobs, TokenLogprob, TopLogprob
from backend.schema.text_completion import TextLogprobs


def logprobs(tokens: Sequence[TokenInfo]) -> Logprobs:
    """In the chat's form."""
    return Logprobs(content=[_entry(token) for token in tokens], refusal=None)


def text(piece: str) -> str:
    """What a piece of Latin-1, which stands for bytes, says in UTF-8."""
    return piece.encode("latin-1").decode("utf-8", "replace")


def _entry(info: TokenInfo) -> TokenLogprob:
    return TokenLogprob(
        token=text(info.piece),
        logprob=info.logprob,
        bytes=list(info.piece.encode("latin-1")),
        top_logprobs=[
            TopLogprob(token=text(piece), logprob=value, bytes=list(piece.encode("latin-1")))
            for piece, _, value in info.top
        ],
    )


def text_logprobs(tokens: Sequence[TokenInfo], offset: int = 0) -> TextLogprobs:
    """In the form of text completions; the first token begins at this character."""
    pieces = [text(token.piece) for token in tokens]
    offsets = list(itertools.accumulate(map(len, pieces[:-1]), initial=offset))
    tops = [{text(piece): value for piece, _, value in token.top} for token in tokens]
    return TextLogprobs(
        tokens=pieces,
        token_logprobs=[token.logprob for token in tokens],
        top_logprobs=tops if any(tops) else None,
        text_offset=offsets,
    )
