"""Who answered how: the outcomes of runs, gathered by whoever gave the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from council.evaluation.scoring import Answered, Verdict
from council.expert import Expert
from council.messages import Usage
from council.replies import Reply
from council.result import Result

Role = Literal["panel", "single", "expert", "baseline"]
"""`single`: any one answer of the panel's experts, on average."""

SINGLE = "single answer (mean)"
"""What a report calls that."""


@dataclass(slots=True)
class Voice:
    """Everything that one of those who are compared has answered.

    Attributes:
        name: What it is called in the report.
        role: What it is.
        verdicts: For each question's id, the verdicts on its answers: one, but for an expert with
            samples.
        seconds: How long each of its answers took.
        usage: Tokens of all requests behind its answers.
        requests: How many these were.
    """

    name: str
    role: Role
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    requests: int = 0

    def scores(self) -> dict[str, float]:
        """For each question, the share of its answers that are right; failed ones are no answers.

        Questions on which all failed are left out.
        """
        shares: dict[str, float] = {}
        for id, verdicts in self.verdicts.items():
            given = [verdict for verdict in verdicts if verdict != "failed"]
            if given:
                shares[id] = given.count("right") / len(given)
        return shares

    def count(self, verdict: Verdict) -> int:
        """How many of its answers have a verdict."""
        return sum(verdicts.count(verdict) for verdicts in self.verdicts.values())


def whole_panel(name: str, role: Role, outcomes: Sequence[Answered]) -> Voice:
    """The answers that runs came to."""
    voice = Voice(name, role)
    for outcome in outcomes:
        voice.verdicts[outcome.question.id] = [outcome.verdict]
        if outcome.verdict != "failed":
            voice.seconds.append(outcome.result.seconds)
        voice.usage += outcome.result.usage
        voice.requests += len(requests_of(outcome.result))
    return voice


def panel_voices(
    strategy: str, experts: Sequence[str], outcomes: Sequence[Answered]
) -> list[Voice]:
    """The panel, a single answer of it where it has several members, and each member.

    Args:
        strategy: What the panel decides by.
        experts: The members' ids.
        outcomes: Of the panel's runs.
    """
    voices = [whole_panel(f"panel ({strategy})", "panel", outcomes)]
    if len(experts) > 1:
        voices.append(single_answers(outcomes))
    return [*voices, *(one_expert(id, outcomes) for id in experts)]


def single_answers(outcomes: Sequence[Answered]) -> Voice:
    """All experts' answers within the panel's runs, as if one that is drawn at random gave them."""
    voice = Voice(SINGLE, "single")
    for outcome in outcomes:
        verdicts = [verdict for verdict in outcome.verdicts if verdict is not None]
        if verdicts:
            voice.verdicts[outcome.question.id] = verdicts
        for reply in outcome.result.experts:
            _add(voice, reply)
    return voice


def one_expert(id: str, outcomes: Sequence[Answered]) -> Voice:
    """One expert's own answers within the panel's runs: nobody is asked anew."""
    voice = Voice(id, "expert")
    for outcome in outcomes:
        verdicts = outcome.of_expert(id)
        if verdicts:
            voice.verdicts[outcome.question.id] = verdicts
        for reply in outcome.result.experts:
            if reply.id == id:
                _add(voice, reply)
    return voice


def _add(voice: Voice, reply: Reply) -> None:
    if reply.usage:
        voice.usage += reply.usage
    if _was_sent(reply):
        voice.requests += 1
    if reply.status == "complete":
        voice.seconds.append(reply.timings.total)


def requests_of(result: Result) -> list[Reply]:
    """The reply to each request of a run, whatever it was asked for.

    One that was cancelled before it had said anything is not told from one that was never sent,
    and is left out.
    """
    replies = [*result.experts, *result.others]
    replies += [reply for held in result.rounds for reply in held.replies]
    replies += [result.decider] if result.decider else []
    # A round's replies and a decider may stand among the experts' too.
    distinct = {id(reply): reply for reply in replies}
    return [reply for reply in distinct.values() if _was_sent(reply)]


def _was_sent(reply: Reply) -> bool:
    return reply.status != "cancelled" or reply.usage is not None


def best_expert(outcomes: Sequence[Answered], experts: Sequence[Expert]) -> Expert | None:
    """Who was right most often on the questions it answered, the first of several."""
    best, highest = None, -1.0
    for expert in experts:
        scores = one_expert(expert.id, outcomes).scores()
        mean = sum(scores.values()) / len(scores) if scores else -1.0
        if mean > highest:
            best, highest = expert, mean
    return best


def tokens_an_answer(outcomes: Sequence[Answered], id: str) -> float:
    """What a whole answer of an expert takes on average, prompt included; 0 where none is known."""
    usages = [
        reply.usage.total_tokens
        for outcome in outcomes
        for reply in outcome.result.experts
        if reply.id == id and reply.status == "complete" and reply.usage
    ]
    return sum(usages) / len(usages) if usages else 0.0
