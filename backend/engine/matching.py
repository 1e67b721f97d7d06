"""Beginnings that requests share: finding them, taking them over, waiting for them.

A prompt whose beginning is stored, by a live or an idle sequence, shares those cells. When the
beginning is still being computed for another request, it waits for that one and shares then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backend.engine.cells import common_length
from backend.engine.jobs import Board, Job, sequences

_WORTH_WAITING = 16
"""Tokens that another request must be about to store to make waiting for it worth while."""


@dataclass(frozen=True, slots=True)
class Match:
    """A beginning that a job shares with a sequence; ``leader`` when it is still being computed."""

    seq: int | None = None
    length: int = 0
    leader: Job | None = None


def best_match(board: Board, job: Job, stores: Iterable[int], leaders: Iterable[Job]) -> Match:
    """The longest beginning a request shares: stored in one of these sequences, or about to be."""
    if not board.limits.share:
        return Match()
    most = len(job.tokens) - 1  # the last token is always decoded: its logits are needed
    stored, coming = Match(), Match()
    for seq in stores:
        length = min(most, common_length(job.tokens, board.ledger.tokens(seq)))
        if seq != job.seq and length > stored.length:
            stored = Match(seq, length)
    for leader in leaders:
        length = min(most, common_length(job.tokens, leader.tokens))
        if length > coming.length:
            coming = Match(None, length, leader)
    return coming if coming.length >= stored.length + _WORTH_WAITING else stored


def adopt(board: Board, job: Job, match: Match) -> None:
    """Starts a request that has its sequence on what it shares."""
    assert job.seq is not None
    job.leader, job.promised = match.leader, 0
    if match.leader is not None:
        job.promised = match.length
        return
    if match.seq == job.seq:
        board.keep(job.seq, match.length)
    elif match.seq is not None:
        board.copy(match.seq, job.seq, match.length)
    if job.cached is None:
        job.cached = min(match.length, job.prompt)


def fork(board: Board) -> None:
    """Starts the requests that waited for a beginning, once it is stored or will not be."""
    for position, job in enumerate(board.live):
        leader = job.leader
        if leader is None:
            continue
        if leader.seq is None:
            _follow_another(board, job, position)
        elif board.ledger.length(leader.seq) >= job.promised:
            adopt(board, job, Match(leader.seq, job.promised))


def _follow_another(board: Board, job: Job, position: int) -> None:
    """The leader is gone: shares with whoever has most of it, without waiting in a circle."""
    leaders = [other for other in board.live if other.leader is None] + board.live[:position]
    stores = [*board.ledger.idle(), *sequences(board.live)]
    adopt(board, job, best_match(board, job, stores, leaders))
