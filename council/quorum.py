"""When too few answers count, and what to say of those that are missing."""

from __future__ import annotations

from collections.abc import Sequence

from council.errors import LimitExceeded, QuorumLost
from council.limits import Deadline
from council.replies import Reply


def check_quorum(
    required: int,
    replies: Sequence[Reply],
    substantive: Sequence[Reply],
    passed: Deadline | None,
) -> None:
    """Raises unless enough experts are among the substantive replies.

    Args:
        required: How many experts are needed.
        replies: All replies of the stage.
        substantive: Those that count.
        passed: The run's deadline, if it is what cut replies off.

    Raises:
        QuorumLost: Too few experts answered.
        LimitExceeded: Too few answered by the deadline.
    """
    answered = {reply.id for reply in substantive}
    if len(answered) >= required:
        return
    missing = tuple(why_missing(reply) for reply in replies if reply.id not in answered)
    if passed is None:
        raise QuorumLost(required, len(answered), missing)
    raise LimitExceeded(
        "deadline",
        f"the deadline of {passed.seconds:g} s passed with {len(answered)} of {required} needed"
        f" experts done ({'; '.join(missing)})",
    )


def why_missing(reply: Reply) -> str:
    """One sentence on why a reply does not count, its expert first."""
    if reply.error is not None:
        return f"{reply.label}: {reply.error.message}"
    if reply.status == "cancelled":
        return f"{reply.label}: cancelled"
    if not reply.text.strip():
        return f"{reply.label}: empty answer"
    return f"{reply.label}: no answer that counts"
