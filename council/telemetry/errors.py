"""What may be said of a failure outside: its class, and words that no server chose."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from council.replies import Failure

_STATUS = re.compile(r"HTTP (\d{3}) ")
# Where the words of others may begin: a server's, which may repeat the prompt, or a plug-in's.
_OTHERS = {
    "limit": re.compile(r": | \("),
    "quorum": re.compile(r" \("),
    "transport": re.compile(r": | \("),
}


def error_type(failure: Failure) -> str:
    """The HTTP status where a server refused, else the failure's kind."""
    status = _STATUS.match(failure.message)
    return status[1] if status else failure.kind


def description(failure: Failure, *, whole: bool) -> str | None:
    """The failure in words, as far as they are council's own.

    Args:
        failure: What went wrong.
        whole: All of its words, as servers may have put them.
    """
    if whole or failure.kind == "timeout":
        return failure.message
    others = _OTHERS.get(failure.kind)
    return others.split(failure.message, maxsplit=1)[0] if others else None
