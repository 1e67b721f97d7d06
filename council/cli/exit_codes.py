"""What the exit code of a command says."""

from __future__ import annotations

from council.errors import CouncilError, UnknownRun

OK = 0
FAILED = 1
USAGE = 2
QUORUM_LOST = 3
LIMIT_HIT = 4
INTERRUPTED = 130  # 128 + SIGINT, as shells count
UNREAD = 141  # 128 + SIGPIPE

_BY_ERROR_KIND = {"config": USAGE, "quorum": QUORUM_LOST, "limit": LIMIT_HIT}


def of_exception(error: CouncilError) -> int:
    """The exit code for an error that ends a command."""
    # A run that is named and is not there is a wrong argument; a store that fails is none.
    return USAGE if isinstance(error, UnknownRun) else of_error(error.kind)


def of_error(kind: str) -> int:
    """The exit code for an error's kind (`CouncilError.kind`)."""
    return _BY_ERROR_KIND.get(kind, FAILED)
