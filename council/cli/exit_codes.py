"""What the exit code of a command says."""

from __future__ import annotations

OK = 0
FAILED = 1
USAGE = 2
QUORUM_LOST = 3
LIMIT_HIT = 4
INTERRUPTED = 130  # 128 + SIGINT, as shells count

_BY_ERROR_KIND = {"config": USAGE, "quorum": QUORUM_LOST, "limit": LIMIT_HIT}


def of_error(kind: str) -> int:
    """The exit code for an error's kind (`CouncilError.kind`)."""
    return _BY_ERROR_KIND.get(kind, FAILED)
