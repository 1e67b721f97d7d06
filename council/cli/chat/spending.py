"""What a chat has used and cost so far, over all its runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from council.cli.summary import cost_line
from council.messages import Usage
from council.prices import Cost
from council.result import Result


def spending_lines(results: Sequence[Result]) -> list[str]:
    """Runs, tokens and dollars; those that failed or were stopped among them."""
    usage = sum((result.usage for result in results), Usage())
    runs = f"{len(results)} run" + ("" if len(results) == 1 else "s")
    about = "about " if usage.estimated else ""
    tokens = f"{usage.prompt_tokens} in prompts and {usage.completion_tokens} in replies"
    return [
        f"{runs}, {sum(result.seconds for result in results):.1f} s",
        f"{about}{usage.total_tokens} tokens: {tokens}",
        _money(total(result.cost for result in results)),
    ]


def total(costs: Iterable[Cost]) -> Cost:
    """Several runs' cost as one."""
    each = list(costs)
    at_least = sum(cost.at_least for cost in each)
    return Cost(
        amount=at_least if all(cost.known for cost in each) else None,
        at_least=at_least,
        unpriced=tuple(dict.fromkeys(id for cost in each for id in cost.unpriced)),
        estimated=any(cost.estimated for cost in each),
        tabled=tuple(dict.fromkeys(id for cost in each for id in cost.tabled)),
        table=next((cost.table for cost in each if cost.table), ""),
    )


def _money(cost: Cost) -> str:
    if cost.at_least:
        return cost_line(cost)
    if cost.known:
        return "$0"
    return f"what {', '.join(cost.unpriced)} cost is not known: a panel file may say `price`"
