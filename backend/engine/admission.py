"""Which waiting requests get a sequence, and which one.

Requests are admitted in the order they came, while a sequence is free and what is promised to all
(prompt, and a fair share of room to answer, shared beginnings counted once) fits the cells. While
the first in the queue waits for cells, smaller ones behind it may go ahead with what it cannot use;
they step back as soon as that lets it start, so it never waits for one that came later.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.engine.eviction import forget_idle
from backend.engine.jobs import Board, Job, sequences
from backend.engine.matching import Match, adopt, best_match, fork

_LEAST_ANSWER = 256
"""Cells promised for an answer at admission, at least; more are given while there is room."""
_SOON_COMPUTED = 256
"""Tokens that an idle sequence has at most to be given up for its place, however new it is."""
_MOVABLE = 4096
"""Tokens that an idle sequence has at most to be moved out of the way: a copy takes a while."""
_LOOK_AHEAD = 8
"""Requests behind the first one that may go ahead of it."""


def admit(board: Board) -> None:
    """Gives sequences to as many of the waiting as possible, if anything has changed."""
    if not board.changed:
        return
    while board.queue and (_place(board, board.queue[0]) or _take_back(board, board.queue[0])):
        del board.queue[0]
    for job in board.queue[1 : 1 + _LOOK_AHEAD]:
        if _place(board, job):
            board.queue.remove(job)
    board.changed = False


def _place(board: Board, job: Job) -> bool:
    """Gives a request a sequence, unless it has to wait."""
    job.reserved = _reservation(board, job)
    if len(board.live) == board.limits.sequences:
        return False
    alone = job.fresh and not board.live
    match = Match() if alone else _fitting_match(board, job)
    if match is None:
        return False
    if alone:
        forget_idle(board)
    board.start(job, _take_sequence(board, match))
    adopt(board, job, match)
    return True


def _take_back(board: Board, job: Job) -> bool:
    """Gives a request its place where only later ones are in its way; the newest go first."""
    older = [other for other in board.live if other.arrival < job.arrival]
    newer = [other for other in board.live if other.arrival > job.arrival]
    if not newer:
        return False
    shared = best_match(board, job, sequences(older), older).length
    if _committed(board, older) + job.reserved - shared > board.limits.cells:
        return False
    for other in sorted(newer, key=lambda other: other.arrival, reverse=True):
        board.step_back(other)
        fork(board)  # before others start: who followed it must not come to follow them in a circle
        if _place(board, job):
            return True
    return False


def _reservation(board: Board, job: Job) -> int:
    """What a request is promised: an equal part of all cells, more for a long prompt.

    Not its whole limit: a client that always allows thousands of tokens would have the context to
    itself. Most answers are shorter, and ``make_room`` takes care of those that are not.
    """
    equal_part = board.limits.cells // board.limits.sequences
    return min(job.limit, max(equal_part, len(job.tokens) + _LEAST_ANSWER))


def _fitting_match(board: Board, job: Job) -> Match | None:
    """The longest shared beginning with which a request fits; None when it does not fit at all."""
    room = board.limits.cells - _committed(board, board.live)
    if job.reserved - len(job.tokens) >= room:
        return None  # spares the comparisons: not even a copy of all its tokens would do
    stores = [*board.ledger.idle(), *sequences(board.live)]
    match = best_match(board, job, stores, board.live)
    # Cells of an idle sequence become live: only those of live ones come for nothing.
    revived = 0 if match.seq is None else board.ledger.not_live(match.seq, match.length)
    return match if job.reserved - match.length + revived <= room else None


def _committed(board: Board, jobs: Sequence[Job]) -> int:
    """Cells in use by live requests, and those promised to them but not yet used."""
    promised = sum(job.reserved - max(board.stored(job), job.promised) for job in jobs)
    everyone = len(jobs) == len(board.live)
    return promised + (board.ledger.live if everyone else board.ledger.union(sequences(jobs)))


def _take_sequence(board: Board, match: Match) -> int:
    """A sequence for a new request: the matched one itself where nothing of value is lost."""
    ledger = board.ledger
    idle = ledger.idle()
    if match.seq in idle and ledger.length(match.seq) == match.length:
        return match.seq
    spare = ledger.empty() or _of_least_value(board, [seq for seq in idle if seq != match.seq])
    if not spare:
        return idle[0]
    movable = [seq for seq in idle if seq != match.seq and ledger.length(seq) <= _MOVABLE]
    chosen = _most_beside(board, [*spare, *movable] if board.limits.share else spare)
    if chosen in spare:
        board.forget(chosen)
    else:
        board.forget(spare[0])
        board.move(chosen, spare[0])
    return chosen


def _of_least_value(board: Board, idle: list[int]) -> list[int]:
    """Of idle sequences, the longest unused first, those to be given up for a new request."""
    short = [seq for seq in idle if board.ledger.length(seq) <= _SOON_COMPUTED]
    return [*idle[: (len(idle) + 1) // 2], *short]


def _most_beside(board: Board, choice: Sequence[int]) -> int:
    """The first sequence of these; with buffers for each, of those with most neighbours in use.

    Such sequences are computed together, see ``batches``: a gap between them costs every step more
    than it costs once to move what an idle one holds.
    """
    live = set(sequences(board.live)) if board.limits.divided else set()
    return max(choice, key=lambda seq: len(live & {seq - 1, seq + 1}))
