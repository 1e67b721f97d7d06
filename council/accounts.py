"""What a run came to in money, and which of its limits cut in: read from its replies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from council.budget import Budget
from council.config.schema import EMBEDDER_ID
from council.live import LiveReply
from council.messages import Usage
from council.prices import Cost, Price, total_cost
from council.replies import Reply


def cost_of(
    spent: Iterable[tuple[LiveReply, Reply]],
    embedding: Usage,
    prices: Mapping[str, Price | None],
) -> Cost:
    """What the replies and the embeddings of a run cost.

    Args:
        spent: The replies, each with its outcome; the one that it would have if it ended now for
            those under way.
        embedding: What embedding used.
        prices: The price of each id, None where it is not known.
    """
    spending = [(live.expert.id, usage, prices.get(live.expert.id)) for live, usage in _used(spent)]
    return total_cost([*spending, (EMBEDDER_ID, embedding, prices.get(EMBEDDER_ID))])


def limits_hit(lives: Iterable[LiveReply], budget: Budget | None) -> tuple[str, ...]:
    """The limits of a run that kept requests from being sent or cut replies short."""
    if budget is None:
        return ()
    hit = {_limit_hit(live.request.request_id, live.outcome, budget) for live in lives}
    hit.update(limit for id, limit in budget.refused.items() if id == EMBEDDER_ID)
    return tuple(limit for limit in ("tokens", "cost") if limit in hit)


def _limit_hit(id: str, outcome: Reply | None, budget: Budget) -> str | None:
    # A second try that was refused cost nothing if the first one answered.
    if outcome is not None and outcome.error is not None and outcome.error.kind == "limit":
        return budget.refused.get(id)
    if outcome is not None and outcome.finish_reason == "length":
        return budget.shortened.get(id)
    return None


def _used(spent: Iterable[tuple[LiveReply, Reply]]) -> Iterator[tuple[LiveReply, Usage]]:
    for live, outcome in spent:
        usage = outcome.usage
        if usage is None and live.sent and _was_left(outcome):
            # The server read the prompt, whether or not anybody waited for the answer.
            usage = live.prompt_estimate()
        if usage is not None:
            yield from ((live, own) for own in live.requests(usage))


def _was_left(outcome: Reply) -> bool:
    """Whether a request was given up before any word of the reply."""
    return outcome.status == "cancelled" or (
        outcome.error is not None and outcome.error.kind == "timeout"
    )
