"""Counting votes: plain lists in, a tally out. Ties and abstentions are decided here, alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from council.expert import Expert
from council.replies import Reply
from council.result import Agreement, Dissent, Position, Votes
from council.strategies.confidence import factors, without_statement
from council.strategies.extractors import EXTRACTORS, Closed, Extractor
from council.strategies.positions import UNKNOWN, is_unknown


@dataclass(frozen=True, slots=True)
class Ballot:
    """One answer's vote.

    Attributes:
        label: Whose it is.
        family: The model family it comes from.
        weight: What it counts.
        position: What it votes for, None for an abstention.
        text: The whole answer.
    """

    label: str
    family: str
    weight: float
    position: str | None
    text: str


def collect(
    replies: Sequence[Reply],
    experts: Sequence[Expert],
    question: str,
    extract: str | Closed = "auto",
    *,
    earlier: str = "",
) -> tuple[str, list[Ballot]]:
    """Reads a ballot from each reply; `reading.read_ballots` does so with any extractor.

    Args:
        replies: The replies that count.
        experts: The panel.
        question: What was asked.
        extract: How positions are read: an extractor, or the name of one that needs no options.
        earlier: What the user asked before, in a conversation.

    Returns:
        The name of the reader used, and the ballots in the replies' order.
    """
    extractor = EXTRACTORS[extract].model_validate({}) if isinstance(extract, str) else extract
    assert isinstance(extractor, Closed), "only `read_ballots` reads what needs an embedder"
    texts = readable_texts(replies, extractor)
    settled = extractor.settled(texts, question).knowing(earlier)
    found = [UNKNOWN if is_unknown(text) else settled.read(text, question) for text in texts]
    return settled.kind, cast_ballots(replies, experts, found, by_confidence=extractor.confidence)


def readable_texts(replies: Sequence[Reply], extract: Extractor) -> list[str]:
    """What positions are read from: the answers, without the confidence they were to state."""
    if not extract.confidence:
        return [reply.text for reply in replies]
    return [without_statement(reply.text) for reply in replies]


def cast_ballots(
    replies: Sequence[Reply],
    experts: Sequence[Expert],
    positions: Sequence[str | None],
    *,
    by_confidence: bool = False,
) -> list[Ballot]:
    """A ballot for each reply.

    An expert's weight is shared by its samples: asking one model more often must not buy it more
    of a say.

    Args:
        replies: The replies that count.
        experts: The panel.
        positions: What each reply votes for.
        by_confidence: Whether the confidence that replies state weighs them.
    """
    seats = {expert.id: expert for expert in experts}
    texts = [reply.text for reply in replies]
    scales = factors(texts) if by_confidence else [1.0] * len(texts)
    return [
        Ballot(
            label=reply.label,
            family=seats[reply.id].info.family,
            weight=ballot_weight(seats[reply.id]) * scale,
            position=position,
            text=reply.text,
        )
        for reply, position, scale in zip(replies, positions, scales, strict=True)
    ]


def ballot_weight(expert: Expert) -> float:
    """What one answer of an expert counts."""
    return expert.weight / expert.samples


def tally(ballots: Sequence[Ballot], extract: str) -> Votes | None:
    """Counts ballots; None where all abstain.

    Equal weights are a tie; it goes to a known position before `unknown`, then to the one whose
    first supporter comes first.
    """
    supporters: dict[str, list[Ballot]] = {}
    for ballot in ballots:
        if ballot.position is not None:
            supporters.setdefault(ballot.position, []).append(ballot)
    if not supporters:
        return None
    positions = [
        Position(value, sum(b.weight for b in group), tuple(b.label for b in group))
        for value, group in supporters.items()
    ]
    # sorted() is stable, so equal ones stay in the order of their first supporters.
    positions.sort(key=lambda p: (-round(p.weight, 9), p.value == UNKNOWN))
    first = positions[0].weight
    second = positions[1].weight if len(positions) > 1 else 0.0
    return Votes(
        extract=extract,
        winner=positions[0].value,
        positions=tuple(positions),
        abstained=tuple(b.label for b in ballots if b.position is None),
        margin=(first - second) / sum(p.weight for p in positions),
        tie=len(positions) > 1 and round(first - second, 9) == 0,
    )


def agreement(votes: Votes, ballots: Sequence[Ballot]) -> Agreement:
    """How far the ballots agree."""
    winner = votes.positions[0]
    voters = [ballot for ballot in ballots if ballot.position is not None]
    return Agreement(
        agree=len(winner.experts),
        of=len(voters),
        share=winner.weight / sum(ballot.weight for ballot in voters),
        families=len({b.family for b in voters if b.position == winner.value}),
    )


def spokesman(ballots: Sequence[Ballot], position: str) -> Ballot:
    """The ballot whose text stands for a position: the heaviest, the first among equals."""
    return max((b for b in ballots if b.position == position), key=lambda b: b.weight)


def dissent(votes: Votes, ballots: Sequence[Ballot]) -> tuple[Dissent, ...]:
    """The positions that lost, each with one answer that takes it."""
    return tuple(
        Dissent(position.value, position.experts, spokesman(ballots, position.value).text)
        for position in votes.positions[1:]
    )
