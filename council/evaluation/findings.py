"""What an evaluation has found, in sentences that say no more than its intervals do."""

from __future__ import annotations

from council.evaluation.statistics import Interval
from council.evaluation.summary import Row, Summary
from council.evaluation.tables import percent


def findings(summary: Summary) -> list[str]:
    """The panel against a single answer of it, and against its best member.

    Empty where the vote stopped early: who was asked only what others disagreed on is no measure
    for the panel.

    Args:
        summary: What was measured.
    """
    panel, *others = summary.rows
    if summary.saved or panel.accuracy is None:
        return []
    members = [row for row in others if row.role == "expert"]
    single = next((row for row in others if row.role == "single"), None)
    if len(members) == 1 and _has_samples(members[0]):
        single = members[0]
    found = [] if single is None else [_against_single(panel, single)]
    if len(members) > 1:
        found.append(_against_best(panel, max(members, key=_value)))
    return [sentence for sentence in found if sentence]


def told(difference: Interval) -> str:
    """What a difference's interval allows to say.

    Args:
        difference: By how much the one that is spoken of is ahead, -1 to 1.
    """
    if difference.low > 0:
        return "shown to be ahead"
    return "shown to be behind" if difference.high < 0 else "not shown to differ"


def points(difference: Interval) -> str:
    """A difference with its interval, in points: `+3.1 points (+0.8 to +5.4)`."""
    value, bounds = percent(difference, signed=True)
    return f"{value} points ({bounds})"


def share(accuracy: Interval | None) -> str:
    """A share with its interval: `75.3% (71.3 to 78.9)`."""
    value, bounds = percent(accuracy)
    return f"{value} ({bounds})"


def _against_single(panel: Row, single: Row) -> str:
    if not (panel.accuracy and single.accuracy and single.ahead):
        return ""
    overlap = "overlap" if panel.accuracy.overlaps(single.accuracy) else "do not overlap"
    return (
        f"panel {share(panel.accuracy)} against a single answer of it, on average"
        f" {share(single.accuracy)}: {points(single.ahead)}; the two intervals {overlap}."
    )


def _against_best(panel: Row, best: Row) -> str:
    if not best.ahead:
        return ""
    name = f"a single answer of {best.name}, on average" if _has_samples(best) else best.name
    return (
        f"panel {share(panel.accuracy)} against its best member, {name} {share(best.accuracy)}:"
        f" {points(best.ahead)}, {told(best.ahead)}. Which one is best is known in hindsight."
    )


def _has_samples(row: Row) -> bool:
    """Whether an expert answered some question more than once."""
    return sum(row.verdicts.values()) > row.questions + row.verdicts["failed"]


def _value(row: Row) -> float:
    return row.accuracy.value if row.accuracy else -1.0
