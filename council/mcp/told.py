"""What the tools give as text, for models and people."""

from __future__ import annotations

from dataclasses import replace

from council.errors import CouncilError, LimitExceeded, QuorumLost
from council.gateway.markup import clean
from council.gateway.schema import PanelView
from council.gateway.summary import text_of
from council.replies import Reply
from council.result import Result


def answer_texts(result: Result) -> list[str]:
    """The answer, and a second text on how far it can be relied on."""
    return [text_of(result), clean("\n".join(_notes(result)))]


def failure_text(error: CouncilError, run_id: str) -> str:
    """Why a run came to no answer, and what can be done."""
    ways = [f"explain_run with run_id {run_id} tells what each expert said"]
    if isinstance(error, QuorumLost):
        ways.append("`council doctor` with the panel's file examines its models")
    if isinstance(error, LimitExceeded):
        ways.append("a higher limit lets the run come to its end")
    return clean(f"{error}\n{'; '.join(ways)}.")


def panel_text(panel: PanelView) -> str:
    """A panel on one line."""
    form = "; answers with JSON of a form of its own" if panel.form else ""
    models = ", ".join(dict.fromkeys(seat.model for seat in panel.experts))
    return f"{panel.name}: {panel.description}; models: {models}{form}"


def shortened(result: Result, longest: int) -> Result:
    """The result with each reply cut off behind so many characters; the answer stays whole."""

    def cut(reply: Reply) -> Reply:
        text, thoughts = _cut(reply.text, longest), _cut(reply.reasoning, longest)
        return replace(reply, text=text, reasoning=thoughts)

    def cut_all(replies: tuple[Reply, ...]) -> tuple[Reply, ...]:
        return tuple(map(cut, replies))

    return replace(
        result,
        experts=cut_all(result.experts),
        others=cut_all(result.others),
        decider=cut(result.decider) if result.decider else None,
        dissent=tuple(replace(d, text=_cut(d.text, longest)) for d in result.dissent),
        rounds=tuple(replace(held, replies=cut_all(held.replies)) for held in result.rounds),
    )


def _cut(text: str, longest: int) -> str:
    left = len(text) - longest
    return f"{text[:longest]} … ({left} more characters)" if left > 0 else text


def _notes(result: Result) -> list[str]:
    lines = [f"{result.status}: {reason}" for reason in result.reasons]
    lines += [f"warning: {warning}" for warning in result.warnings]
    lines += [f"dissent: {dissent.who} said {dissent.position!r}" for dissent in result.dissent]
    return [*lines, _closing(result)]


def _closing(result: Result) -> str:
    parts = [result.status, result.strategy]
    if result.agreement is not None and result.votes is not None:
        agreement = result.agreement
        parts.append(f"{agreement.agree} of {agreement.of} agree on {result.votes.winner!r}")
    parts += [f"{result.usage.total_tokens} tokens", f"{result.seconds:.1f} s"]
    return f"[{' · '.join(parts)} · run {result.run_id}]"
