"""When too few answers count, and what to say of those that are missing."""

from __future__ import annotations

from collections.abc import Sequence

from council.errors import LimitExceeded, QuorumLost
from council.replies import Reply


def check_quorum(
    required: int,
    replies: Sequence[Reply],
    substantive: Sequence[Reply],
    *,
    cut_after: float | None,
) -> None:
    """Raises unless enough experts are among the substantive replies.

    Args:
        required: How many experts are needed.
        replies: All replies of the stage.
        substantive: Those that count.
        cut_after: Seconds into the run at which its deadline, or a stage's part of it, cut replies
            off; None if it did not.

    Raises:
        QuorumLost: Too few experts answered.
        LimitExceeded: Too few answered by the deadline.
    """
    answered = {reply.id for reply in substantive}
    if len(answered) >= required:
        return
    missing = tuple(why_missing(reply) for reply in replies if reply.id not in answered)
    if cut_after is None:
        raise QuorumLost(required, len(answered), missing)
    raise LimitExceeded(
        "deadline",
        f"the deadline of {cut_after:.3g} s passed with {len(answered)} of {required} needed"
        f" experts done ({'; '.join(missing)})",
    )


def why_missing(reply: Reply) -> str:
    """One sentence on why a reply does not count, its expert first."""
    if reply.error is not None:
        return f"{reply.label}: {reply.error.message}"
    if reply.status == "cancelled":
        return f"{reply.label}: cancelled"
    if reply.finish_reason == "content_filter":
        return f"{reply.label}: filtered by the provider"
    if reply.refusal:
        return f"{reply.label}: refused to answer"
    if not reply.text.strip():
        return f"{reply.label}: empty answer"
    return f"{reply.label}: refused to answer, or took no position"
