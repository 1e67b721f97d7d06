"""Whether an answer is right: pure functions from a question and a text to a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from council.evaluation.questions import Question
from council.replies import Reply
from council.result import Result
from council.strategies.base import substantive
from council.strategies.extractors.base import LONGEST
from council.strategies.extractors.choice import pick
from council.strategies.extractors.patterns import matches
from council.strategies.minority import without_report
from council.strategies.numbers import find_number
from council.strategies.positions import choice, is_unknown, plain_text

Verdict = Literal["right", "wrong", "abstained", "failed"]
"""`abstained`: says not to know, refuses, or holds no answer that can be read. `failed`: no whole
reply came; that is no mistake of the model, and enters no accuracy."""

VERDICTS: tuple[Verdict, ...] = ("right", "wrong", "abstained", "failed")


@dataclass(frozen=True, slots=True)
class Answered:
    """One question's outcome.

    Attributes:
        question: What was asked.
        result: What the run came to.
        verdict: Of the panel's answer.
        verdicts: Of each of `result.experts`; None for a reply that was cancelled.
    """

    question: Question
    result: Result
    verdict: Verdict
    verdicts: tuple[Verdict | None, ...]

    def of_expert(self, id: str) -> list[Verdict]:
        """The verdicts on one expert's replies, by sample."""
        pairs = zip(self.result.experts, self.verdicts, strict=True)
        return [verdict for reply, verdict in pairs if reply.id == id and verdict is not None]


def mark(question: Question, result: Result) -> Answered:
    """Marks a run's answer, and each expert's reply by itself."""
    verdicts = tuple(mark_reply(question, reply) for reply in result.experts)
    return Answered(question, result, _mark_panel(question, result, verdicts), verdicts)


def mark_reply(question: Question, reply: Reply) -> Verdict | None:
    """Marks one reply; None for one that nobody waited for."""
    if reply.status == "cancelled":
        return None
    if reply.status == "failed":
        return "failed"
    return mark_text(question, reply.text) if substantive([reply]) else "abstained"


def mark_text(question: Question, text: str) -> Verdict:
    """Marks an answer by its text.

    A question whose right answer is not to know (`I don't know.`) is answered right by whoever
    says so.
    """
    if is_unknown(question.answer) and question.kind == "text":
        return "right" if is_unknown(text) else "wrong"
    if question.kind == "regex":
        found = bool(matches(question.answer, text))
    else:
        read = position(question, text)
        found = read == position(question, question.answer)
        if read is None:
            return "abstained"
    if found:
        return "right"
    return "abstained" if is_unknown(text) else "wrong"


def position(question: Question, text: str) -> str | None:
    """What a text comes to as an answer to the question, None where that cannot be read.

    Read by the same readers as a vote's (see `strategies/positions.py`), so that what one vote
    counts as equal is equal here.
    """
    if question.kind == "exact":
        return text.strip() or None
    if len(text) > LONGEST:
        return None
    if question.kind == "number":
        return find_number(text)
    if question.kind == "choice":
        options = list(question.choices)
        return pick(text, options) if options else choice(text, question.question)
    return plain_text(text, question.question)


def _mark_panel(question: Question, result: Result, verdicts: Sequence[Verdict | None]) -> Verdict:
    if result.answer is not None:
        return mark_text(question, without_report(result.answer))
    # Everyone answered, and too few said anything that counts: nothing broke.
    no_quorum = result.error is not None and result.error.kind == "quorum"
    return "abstained" if no_quorum and "failed" not in verdicts else "failed"
