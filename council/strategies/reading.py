"""Ballots by any extractor: the one way in which strategies learn what answers come to."""

from __future__ import annotations

from collections.abc import Sequence

from council.panel import Panel
from council.replies import Reply
from council.strategies.ballots import Ballot, cast_ballots, collect, readable_texts
from council.strategies.extractors import Closed, Extractor, SemanticExtractor
from council.strategies.extractors.semantic import clusters, names
from council.strategies.positions import UNKNOWN, is_unknown


async def read_ballots(
    panel: Panel, replies: Sequence[Reply], extract: Extractor
) -> tuple[str, list[Ballot]]:
    """Reads a ballot from each reply.

    Args:
        panel: The run's panel.
        replies: The replies that count, in the panel's order.
        extract: How positions are read.

    Returns:
        The name of the reader used, and the ballots in the replies' order.

    Raises:
        StrategyError: The answers have to be embedded, and could not be.
    """
    if isinstance(extract, Closed):
        return collect(replies, panel.experts, panel.question, extract, earlier=panel.earlier)
    assert isinstance(extract, SemanticExtractor)
    found = await _groups(panel, readable_texts(replies, extract), extract.threshold)
    return extract.kind, cast_ballots(
        replies, panel.experts, found, by_confidence=extract.confidence
    )


async def _groups(panel: Panel, texts: Sequence[str], threshold: float) -> list[str | None]:
    """The name of each text's group; not knowing is a group that nobody has to be put into."""
    known = [text for text in texts if not is_unknown(text)]
    vectors = await panel.embed(known) if known else []
    named = iter(names(known, clusters(vectors, threshold)))
    return [UNKNOWN if is_unknown(text) else next(named) for text in texts]
