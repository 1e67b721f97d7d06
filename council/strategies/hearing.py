"""What a judge said of comparisons that were put to it in both orders: pure functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from council.quorum import why_missing
from council.replies import Reply
from council.result import Ranking
from council.strategies.base import substantive
from council.strategies.borda import Tiers, by_duels, duels, flipped
from council.strategies.marks import Places
from council.strategies.peers import Sheet

ReadPlaces = Callable[[str, int], Places | None]
"""From a judge's text and the number of answers to their order."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Answers that were compared twice, the second time in the opposite order.

    Attributes:
        sheet: The answers as shown first.
        replies: What the judge said to each order.
        ballots: What that comes to, None where it cannot be read or is missing.
    """

    sheet: Sheet
    replies: tuple[Reply, Reply]
    ballots: tuple[Tiers | None, Tiers | None]

    @property
    def outcomes(self) -> dict[tuple[str, str], float]:
        """How each pair compares; all are ties unless both ballots can be read."""
        first, second = self.ballots
        if first is not None and second is not None:
            return duels(first, second)
        labels = sorted(reply.label for reply in self.sheet.replies)
        return dict.fromkeys(combinations(labels, 2), 0.5)

    @property
    def decided(self) -> bool:
        """Whether both ballots can be read."""
        return None not in self.ballots

    @property
    def flips(self) -> int:
        """How many pairs turned round with the order."""
        first, second = self.ballots
        return flipped(first, second) if first is not None and second is not None else 0


def compared(sheet: Sheet, replies: Sequence[Reply], read: ReadPlaces) -> Comparison:
    """Reads the two replies to one comparison."""
    first, second = replies
    ballots = (_ballot(first, sheet, read), _ballot(second, sheet.reversed(), read))
    return Comparison(sheet, (first, second), ballots)


@dataclass(frozen=True, slots=True)
class Hearing:
    """All that one judge said.

    Attributes:
        judge: The judge's id.
        comparisons: What was put to it.
        kin: Labels of the answers by models of the judge's family, if others' were among them.
    """

    judge: str
    comparisons: tuple[Comparison, ...]
    kin: tuple[str, ...] = ()

    @property
    def decided(self) -> bool:
        """Whether the judge decided anything in both orders."""
        return any(comparison.decided for comparison in self.comparisons)

    @property
    def speaker(self) -> Reply:
        """The first reply that helped to decide: the judge's reasons stand there."""
        return next(each.replies[0] for each in self.comparisons if each.decided)

    @property
    def failures(self) -> tuple[str, ...]:
        """Why replies are missing, each reason once."""
        replies = [reply for each in self.comparisons for reply in each.replies]
        whys = [why_missing(reply) for reply in replies if not substantive([reply])]
        return tuple(dict.fromkeys(whys))

    @property
    def why_useless(self) -> str:
        """Why nothing was decided."""
        default = f"{self.judge}: no decision could be read for both orders of the answers"
        return next(iter(self.failures), default)

    def ranking(self, labels: Sequence[str]) -> Ranking:
        """The answers by the comparisons they won.

        Args:
            labels: Whose answers there are, in the panel's order.
        """
        outcomes = {}
        for comparison in self.comparisons:
            outcomes.update(comparison.outcomes)
        return by_duels(outcomes, labels)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the reader should know of the judge's consistency and leanings."""
        of = len(self.comparisons)
        open_ones = sum(not comparison.decided for comparison in self.comparisons)
        flips = sum(comparison.flips for comparison in self.comparisons)
        found = []
        if flips:
            found.append(
                f"the judge contradicted itself on {flips} {_pairs(flips)} of answers when their"
                " order was reversed; that counts as a tie"
            )
        if open_ones:
            found.append(f"{open_ones} of the judge's {of} comparisons could not be read: ties")
        if self.kin:
            found.append(
                f"the judge is of the model family that wrote the answer of {', '.join(self.kin)}:"
                " models favour their own text"
            )
        return tuple(found)


def _ballot(reply: Reply, sheet: Sheet, read: ReadPlaces) -> Tiers | None:
    if not substantive([reply]):
        return None
    places = read(reply.text, len(sheet.replies))
    if places is None:
        return None
    return tuple(tuple(sheet.label(number) for number in place) for place in places)


def _pairs(count: int) -> str:
    return "pair" if count == 1 else "pairs"
