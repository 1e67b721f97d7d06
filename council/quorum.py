"""When too few answers count, and what to say of those that are missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from council.errors import LimitExceeded, QuorumLost
from council.replies import Reply


@dataclass(frozen=True, slots=True)
class Quorum:
    """How many voices an answer of the panel needs.

    Attributes:
        experts: How many experts have to give a substantive answer.
        families: From how many model families these have to be: siblings err alike.
    """

    experts: int
    families: int = 1

    def is_met(self, substantive: Sequence[Reply], family: Mapping[str, str]) -> bool:
        """Whether enough experts answered.

        Args:
            substantive: The replies that count.
            family: Each expert's model family, by its id.
        """
        answered = {reply.id for reply in substantive}
        families = {family[id] for id in answered}
        return len(answered) >= self.experts and len(families) >= self.families


def check_quorum(
    quorum: Quorum,
    replies: Sequence[Reply],
    substantive: Sequence[Reply],
    *,
    family: Mapping[str, str],
    cut_after: float | None,
    why: Callable[[Reply], str] | None = None,
) -> None:
    """Raises unless enough experts are among the substantive replies.

    Args:
        quorum: What is needed.
        replies: All replies of the stage.
        substantive: Those that count.
        family: Each expert's model family, by its id.
        cut_after: Seconds into the run at which its deadline, or a stage's part of it, cut replies
            off; None if it did not.
        why: One sentence on why a reply does not count; None for `why_missing`.

    Raises:
        QuorumLost: Too few experts answered.
        LimitExceeded: Too few answered by the deadline.
    """
    if quorum.is_met(substantive, family):
        return
    answered = {reply.id for reply in substantive}
    missing = tuple((why or why_missing)(reply) for reply in replies if reply.id not in answered)
    required, actual, of = quorum.experts, len(answered), "experts"
    if actual >= required:
        names = sorted({family[id] for id in answered})
        required, actual, of = quorum.families, len(names), "model families"
        missing = (f"answers came from {', '.join(names)} alone", *missing)
    if cut_after is None:
        raise QuorumLost(required, actual, missing, of=of)
    raise LimitExceeded(
        "deadline",
        f"the deadline of {cut_after:.3g} s passed with {actual} of {required} needed"
        f" {of} done ({'; '.join(missing)})",
    )


def why_missing(reply: Reply) -> str:
    """One sentence on why a reply does not count, its expert first."""
    if reply.error is not None:
        return f"{reply.label}: {reply.error.message}"
    if reply.status == "cancelled":
        return f"{reply.label}: cancelled"
    if reply.finish_reason == "content_filter":
        return f"{reply.label}: filtered by the provider"
    if reply.finish_reason == "tool_calls" or reply.tool_calls:
        return f"{reply.label}: wants a tool called, and nobody does"
    if reply.refusal:
        return f"{reply.label}: refused to answer"
    if not reply.text.strip():
        return f"{reply.label}: empty answer"
    return f"{reply.label}: refused to answer, or took no position"


def without_form(reply: Reply) -> str:
    """The same of an answer that is there, and cannot be read as what was asked for."""
    return f"{reply.label}: its answer does not have the form asked for"


def causes_in(message: str, replies: Sequence[Reply]) -> list[str]:
    """The sentences about replies that the error of a lost quorum holds."""
    told = (why(reply) for reply in replies for why in (why_missing, without_form))
    return [cause for cause in told if cause in message]
