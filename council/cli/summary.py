"""A result in a few lines for a person."""

from __future__ import annotations

from council.cli.terminal import harmless
from council.replies import Reply
from council.result import Result


def summary_lines(result: Result, *, brief: bool = False) -> list[str]:
    """What standard error says at the end; `brief` keeps only what must not go unsaid."""
    lines = [f"{result.status}: {reason}" for reason in result.reasons]
    if result.error is not None:
        lines.append(f"{result.status}: {result.error.message}")
    if brief:
        return lines
    lines += [f"warning: {warning}" for warning in result.warnings]
    lines += [
        f"dissent: {', '.join(dissent.experts)} said {_one_line(dissent.text)}"
        for dissent in result.dissent
    ]
    return [*lines, _closing(result)]


def partial_lines(result: Result) -> list[str]:
    """What an interrupted run had by then."""
    lines = ["interrupted; so far:"]
    for reply in (*result.experts, *([result.decider] if result.decider else [])):
        state = "" if reply.status == "complete" else " (partial)"
        text = harmless(reply.text).strip()
        name = reply.label if reply.stage == "answer" else f"{reply.label} ({reply.stage})"
        lines.append(f"{name}{state}: {text}" if text else f"{name}: nothing yet")
    return lines


def reply_line(reply: Reply) -> str:
    """One line on how a reply ended."""
    if reply.error is not None:
        return f"failed: {reply.error.message}"
    if reply.status == "cancelled":
        return "cancelled: not needed any more"
    tokens = f"{reply.usage.completion_tokens} tokens in " if reply.usage else ""
    cut = " (cut off at its token limit)" if reply.finish_reason == "length" else ""
    return f"done: {tokens}{reply.timings.total:.1f} s{cut}"


def _closing(result: Result) -> str:
    parts = [result.status, result.strategy]
    if result.agreement is not None and result.votes is not None:
        agreement = result.agreement
        parts.append(f"{agreement.agree} of {agreement.of} agree on {result.votes.winner!r}")
    parts += [f"{result.usage.total_tokens} tokens", f"{result.seconds:.1f} s"]
    return f"[{' · '.join(parts)}]"


def _one_line(text: str, width: int = 120) -> str:
    flat = " ".join(harmless(text).split())
    return flat if len(flat) <= width else f"{flat[: width - 1]}…"
