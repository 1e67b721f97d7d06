"""How an answer came about, and who is on the panel, in plain lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from council.cli.deliberation import deliberation_lines, votes_line
from council.cli.summary import reply_line, was_stopped
from council.cli.terminal import one_line
from council.expert import Expert
from council.quorum import why_missing
from council.replies import Reply, label_of
from council.result import Agreement, Result
from council.strategies.base import substantive

MOST_SHOWN = 300
"""Characters of a question or an answer on a line of a chat."""


def why_lines(result: Result) -> list[str]:
    """Votes, ranking, rounds with who changed, dissent and failures of a run."""
    lines = [_decided(result)]
    if result.error is not None:
        lines.append(f"no answer: {result.error.message}")
    if result.votes is not None:
        lines.append(f"votes, by {result.votes.extract}: {votes_line(result.votes)}")
    if result.agreement is not None:
        lines.append(_agreement(result.agreement))
    lines += deliberation_lines(result)
    if result.decider is not None:
        lines.append(f"{result.decider.stage}: {_named(result.decider, result)}")
    lines += [
        f"dissent: {each.who} said {one_line(each.text, MOST_SHOWN)}" for each in result.dissent
    ]
    lines += _missing(result)
    return [*lines, *(f"warning: {warning}" for warning in result.warnings)]


def expert_lines(
    experts: Sequence[Expert], writers: Sequence[Expert], result: Result | None
) -> list[str]:
    """The seats with their models, a line each, and how each one's last reply ended."""
    last = _last_replies(result) if result else {}
    stopped = result is not None and was_stopped(result)
    rows = [
        (label_of(expert.id, sample), expert.agent.model, f"weight {expert.weight:g}")
        for expert in experts
        for sample in range(expert.samples)
    ]
    # An expert that writes is no other seat.
    known = {expert.id for expert in experts}
    rows += [(each.id, each.agent.model, "writer") for each in writers if each.id not in known]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        + f"  {_state(last.get(row[0]), stopped=stopped)}"
        for row in rows
    ]


def _decided(result: Result) -> str:
    """How it was decided, if it was."""
    if result.answer is None:
        return f"{'stopped' if was_stopped(result) else result.status}: nothing was decided"
    by = f", which chose {result.decided_by}" if result.decided_by else ""
    return f"{result.status}: decided by {result.strategy}{by}"


def _agreement(agreement: Agreement) -> str:
    families = f"{agreement.families} model famil" + ("y" if agreement.families == 1 else "ies")
    return (
        f"agreement: {agreement.agree} of {agreement.of},"
        f" {agreement.share:.0%} of the weight, {families}"
    )


def _named(reply: Reply, result: Result) -> str:
    return f"{reply.label} ({reply.model}), {reply_line(reply, stopped=was_stopped(result))}"


def _missing(result: Result) -> Iterator[str]:
    """Who gave no answer that counts, and what else made the answer degraded."""
    replies = _all_replies(result)
    counted = {id(reply) for reply in substantive(replies)}
    # Who was stopped because no more was needed has not failed.
    missing = [each for each in replies if id(each) not in counted and each.status != "cancelled"]
    told = [why_missing(reply) for reply in missing]
    yield from (f"missing: {sentence}" for sentence in told)
    yield from (f"{result.status}: {reason}" for reason in result.reasons if reason not in told)


def _all_replies(result: Result) -> list[Reply]:
    rounds = [reply for held in result.rounds for reply in held.replies]
    # Round 0 of a debate are the experts' own replies.
    replies = [*result.experts, *rounds, *result.others]
    return list({id(reply): reply for reply in replies}.values())


def _last_replies(result: Result) -> dict[str, Reply]:
    """The last reply of each seat, by its label."""
    decider = [result.decider] if result.decider else []
    return {reply.label: reply for reply in (*_all_replies(result), *decider)}


def _state(reply: Reply | None, *, stopped: bool) -> str:
    if reply is None:
        return "not asked"
    stage = "" if reply.stage == "answer" else f"{reply.stage}: "
    return f"{stage}{reply_line(reply, stopped=stopped)}"
