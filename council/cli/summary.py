"""A result in a few lines for a person."""

from __future__ import annotations

from collections.abc import Iterable

from council.cli.deliberation import deliberation_lines
from council.cli.terminal import harmless, one_line
from council.prices import Cost, in_dollars
from council.quorum import causes_in
from council.replies import Reply, reply_name
from council.result import Result
from council.strategies.concat import joined


def summary_lines(result: Result, *, brief: bool = False) -> list[str]:
    """What standard error says at the end; `brief` keeps only what must not go unsaid."""
    labels = {reply.label for reply in result.experts}
    lines = [f"{result.status}: {reason}" for reason in _grouped(result.reasons, labels)]
    if result.error is not None:
        lines.append(f"{result.status}: {_shortened(result.error.message, result, labels)}")
    if brief:
        return lines + _cut(result)
    lines += [f"warning: {warning}" for warning in _grouped(result.warnings, labels)]
    lines += [f"dissent: {dissent.who} said {one_line(dissent.text)}" for dissent in result.dissent]
    lines += deliberation_lines(result)
    return [*lines, _closing(result)]


def partial_lines(result: Result) -> list[str]:
    """What an interrupted run had by then."""
    lines = ["interrupted; so far:"]
    written = [result.decider] if result.decider else []
    for reply in (*result.experts, *result.others, *written):
        state = "" if reply.status == "complete" else " (partial)"
        text = harmless(reply.text).strip()
        name = reply_name(reply.id, reply.sample, reply.stage)
        lines.append(f"{name}{state}: {text}" if text else f"{name}: nothing yet")
    return lines


def was_stopped(result: Result) -> bool:
    """Whether somebody stopped the run before it had come to its end."""
    return result.error is not None and result.error.kind == "interrupted"


def reply_line(reply: Reply, *, stopped: bool = False) -> str:
    """One line on how a reply ended; `stopped` where the whole run was."""
    if reply.error is not None:
        return f"failed: {reply.error.message}"
    if reply.status == "cancelled":
        return "stopped" if stopped else "cancelled: not needed any more"
    tokens = f"{reply.usage.completion_tokens} tokens in " if reply.usage else ""
    cut = " (cut off at its token limit)" if reply.finish_reason == "length" else ""
    return f"done: {tokens}{reply.timings.total:.1f} s{cut}"


def _grouped(sentences: Iterable[str], labels: set[str]) -> list[str]:
    """Sentences that differ only in the expert they begin with, as one: `A, B: why`."""
    experts: dict[tuple[bool, str], list[str]] = {}
    for sentence in sentences:
        label, _, said = sentence.partition(": ")
        if label in labels:
            experts.setdefault((True, said), []).append(label)
        else:
            experts.setdefault((False, sentence), [])
    return [
        f"{', '.join(names)}: {said}" if own else said for (own, said), names in experts.items()
    ]


def _shortened(message: str, result: Result, labels: set[str]) -> str:
    """An error's text, in which each cause stands once."""
    causes = causes_in(message, result.experts)
    return message.replace("; ".join(causes), "; ".join(_grouped(causes, labels)))


def _cut(result: Result) -> list[str]:
    """What even those have to know who want nothing but the answer: that it is not whole."""
    written = (*result.experts, *result.others, *([result.decider] if result.decider else []))
    cut = [reply for reply in written if reply.finish_reason == "length"]
    if not result.answer:
        return []
    if any(reply.text == result.answer for reply in cut):
        return ["warning: the answer was cut off at its token limit"]
    among = [reply.label for reply in cut if joined([reply]) in result.answer]
    return [f"warning: {label}: the answer was cut off at its token limit" for label in among]


def _closing(result: Result) -> str:
    by = f" by {result.decided_by}" if result.decided_by else ""
    parts = [result.status, f"{result.strategy}{by}"]
    if result.agreement is not None and result.votes is not None:
        agreement = result.agreement
        parts.append(f"{agreement.agree} of {agreement.of} agree on {result.votes.winner!r}")
    if result.saved:
        parts.append(f"{result.saved} requests saved")
    parts.append(f"{result.usage.total_tokens} tokens")
    if result.cost.at_least:
        parts.append(cost_line(result.cost))
    parts.append(f"{result.seconds:.1f} s")
    return f"[{' · '.join(parts)}]"


def cost_line(cost: Cost) -> str:
    """What something cost, where it cost anything that is known."""
    about = "about " if cost.estimated else ""
    table = f" (prices of {', '.join(cost.tabled)}: {cost.table})" if cost.tabled else ""
    more = "" if cost.known else f" and what {', '.join(cost.unpriced)} cost"
    return f"{about}{in_dollars(cost.at_least)}{more}{table}"
