"""A run in words, as its shared files say it: the facts, and how the answer came about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from council.prices import Cost, in_dollars
from council.replies import Reply
from council.result import Flip, Position, Result, Round, Votes


@dataclass(frozen=True, slots=True)
class About:
    """What a result does not say of its run.

    Attributes:
        panel: The panel's name; empty where it is not known.
        created: When the run began, in seconds since 1970 UTC.
    """

    panel: str
    created: float


def facts(result: Result, about: About) -> dict[str, str]:
    """What a reader wants to know first, by its name; what is not known is left out."""
    agreement = result.agreement
    by = f", decided by {result.decided_by}" if result.decided_by else ""
    began = datetime.fromtimestamp(about.created, UTC)
    found = {
        "status": result.status,
        "agreement": f"{agreement.agree} of {agreement.of} agree" if agreement else "",
        "panel": about.panel,
        "strategy": f"{result.strategy}{by}",
        "time": f"{result.seconds:.1f} s",
        "tokens": f"{result.usage.total_tokens:,}",
        "cost": _cost(result.cost),
        "asked": f"{began:%Y-%m-%d %H:%M} UTC",
        "run": result.run_id,
    }
    return {name: value for name, value in found.items() if value}


def remarks(result: Result) -> list[str]:
    """Why the status is what it is, and what the reader should know besides."""
    error = [result.error.message] if result.error else []
    return [*error, *result.reasons, *result.warnings]


def vote_notes(votes: Votes) -> list[str]:
    """What belongs to a tally besides its positions."""
    notes = [f"Positions were read as {votes.extract}."]
    if votes.tie:
        notes.append("The first two weigh the same; the panel's order decided.")
    if votes.abstained:
        notes.append(f"Without a position: {', '.join(votes.abstained)}.")
    return notes


def round_title(held: Round) -> str:
    """What a round is called."""
    return f"Round {held.number}" if held.number else "Round 0, each on its own"


def round_notes(held: Round) -> list[str]:
    """What a round came to, a sentence each."""
    positions = "; ".join(taken(position) for position in held.positions)
    notes = [f"{positions or 'No positions to compare'}."]
    if held.similarity is not None:
        notes.append(f"The smallest cosine of two answers is {held.similarity:.2f}.")
    if held.converged:
        notes.append("The answers agree.")
    return [*notes, *map(_flip, held.flips)]


def taken(position: Position) -> str:
    """A position and who takes it."""
    return f"{position.value} by {', '.join(position.experts)}"


def reply_title(reply: Reply) -> str:
    """Whose reply it is, to what, and how it ended."""
    stage = "" if reply.stage == "answer" else f", {reply.stage}"
    return f"{reply.label} ({reply.model}){stage}: {reply.status}"


def others(result: Result) -> list[Reply]:
    """The replies that are neither experts' first answers nor in a round."""
    decider = [result.decider] if result.decider else []
    first = {(reply.id, reply.sample) for reply in result.experts}
    chosen = [r for r in decider if r.stage != "answer" or (r.id, r.sample) not in first]
    return [*result.others, *chosen]


def _flip(flip: Flip) -> str:
    return f"{flip.expert} changed from {flip.before} to {flip.after} ({flip.way})."


def _cost(cost: Cost) -> str:
    if not cost.at_least:
        return ""
    about = "about " if cost.estimated else ""
    more = "" if cost.known else f" and what {', '.join(cost.unpriced)} cost"
    return f"{about}{in_dollars(cost.at_least)}{more}"
