"""Rounds and rankings in plain lines."""

from __future__ import annotations

from collections.abc import Sequence

from council.cli.terminal import one_line
from council.result import Flip, Position, Ranking, Result, Round, Votes

_POSITION = 40  # characters of one


def deliberation_lines(result: Result) -> list[str]:
    """How the answer came about, where that took more than counting."""
    lines = [round_line(each) for each in result.rounds]
    if result.ranking is not None:
        lines.append(ranking_line(result.ranking))
    return lines


def votes_line(votes: Votes) -> str:
    """A tally on one line: positions with who takes them, heaviest first."""
    parts = [_taken(votes.positions) or "no positions to compare"]
    if votes.abstained:
        parts.append(f"without {', '.join(votes.abstained)}")
    if votes.tie:
        parts.append("a tie")
    return "; ".join(parts)


def ranking_line(ranking: Ranking) -> str:
    """A ranking on one line: places, labels, scores, and how many ballots it rests on."""
    places = [
        f"{ranked.place}. {ranked.expert} "
        + ("(not ranked)" if ranked.score is None else f"{ranked.score:.2f}")
        for ranked in ranking.answers
    ]
    ballots = f"{ranking.ballots} ballot" + ("" if ranking.ballots == 1 else "s")
    left_out = f"; without {', '.join(ranking.abstained)}" if ranking.abstained else ""
    return f"ranking: {', '.join(places)} ({ballots}{left_out})"


def round_line(held: Round) -> str:
    """A round on one line: positions, who changed since round 0, and how alike the answers are."""
    failed = sum(reply.status != "complete" for reply in held.replies)
    parts = [round_outcome(held.number, held.positions, held.flips, held.similarity)]
    if failed:
        parts.append(f"{failed} failed")
    if held.converged:
        parts.append("agreed")
    return "; ".join(parts)


def round_outcome(
    number: int,
    positions: Sequence[Position],
    flips: Sequence[Flip],
    similarity: float | None,
) -> str:
    """What a round came to."""
    parts = [f"round {number}: {_taken(positions) or 'no positions to compare'}"]
    parts += [
        f"{flip.expert} changed from {one_line(flip.before, _POSITION)}"
        f" to {one_line(flip.after, _POSITION)} ({flip.way})"
        for flip in flips
    ]
    if similarity is not None:
        parts.append(f"smallest cosine {similarity:.2f}")
    return "; ".join(parts)


def _taken(positions: Sequence[Position]) -> str:
    return ", ".join(f"{one_line(p.value, _POSITION)} by {' '.join(p.experts)}" for p in positions)
