"""What is given up when cells run out.

Idle sequences go first, the longest unused before the others. Then the newest request steps back
into the queue: its tokens stay known and are computed again later. The oldest never steps back, so
everyone is served in the end.
"""

from __future__ import annotations

from backend.engine.jobs import Board
from backend.engine.matching import fork


def make_room(board: Board) -> None:
    """Forgets the longest unused idle sequence; when there is none, the newest steps back."""
    if idle := board.ledger.idle():
        board.forget(idle[0])
        return
    newest = max(board.live, key=lambda job: job.arrival)
    seq = board.step_back(newest)
    fork(board)  # who followed it keeps what it has computed
    board.forget(seq)


def forget_idle(board: Board) -> None:
    """Forgets all idle sequences."""
    for seq in board.ledger.idle():
        board.forget(seq)
