"""What is measured, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

FLOOR = "floor"
OURS = "ours"
WINDOW = 250
"""Tokens of one answer over which its pace is averaged."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement.

    Attributes:
        subject: Who serves: `floor`, `ours`, or the name of another server.
        kind: What is asked, one of `prompts.KINDS`.
        requests: How many requests at once.
        tokens: Tokens of each answer.
    """

    subject: str
    kind: str
    requests: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured; times in seconds, counts over all requests.

    Attributes:
        wall: From the first request to the end of the last answer.
        first_token: From the start to the first token of the request that had one first.
        last_first_token: The same of the request that had to wait longest.
        token_time: Between two tokens of an answer, on average; the median answer.
        prompt: Tokens of all prompts, as the server counts them; 0 when it does not tell.
        cached: How many of them it did not compute, as it says; for the floor, as it was.
        generated: Tokens of all answers, as the server counts them.
        pace: Time of a token in each window of the first answer; empty when that is short.
        cpu: CPU time of the server's processes; None when they are not known.
        cpu_front: The part of the process that speaks HTTP.
        error: Why there are no figures.
    """

    wall: float = 0.0
    first_token: float = 0.0
    last_first_token: float = 0.0
    token_time: float = 0.0
    prompt: int = 0
    cached: int = 0
    generated: int = 0
    pace: tuple[float, ...] = ()
    cpu: float | None = None
    cpu_front: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: when its tokens came, in seconds since the start, and the server's counts."""

    times: Sequence[float]
    prompt: int
    cached: int
    generated: int


def summary(answers: Sequence[Answer], tokens: int, end: float) -> Outcome:
    """The outcome of a measurement.

    Args:
        answers: All answers.
        tokens: How many tokens each should have.
        end: When the last one was over, in seconds since the start.
    """
    wrong = [answer for answer in answers if answer.generated != tokens or not answer.times]
    if wrong:
        said = f"{wrong[0].generated} tokens and {len(wrong[0].times)} events"
        return Outcome(error=f"{len(wrong)} of {len(answers)} answers are not whole: {said}")
    firsts = [answer.times[0] for answer in answers]
    return Outcome(
        wall=end,
        first_token=min(firsts),
        last_first_token=max(firsts),
        token_time=median(_token_time(answer) for answer in answers),
        prompt=sum(answer.prompt for answer in answers),
        cached=sum(answer.cached for answer in answers),
        generated=sum(answer.generated for answer in answers),
        pace=pace(answers[0].times),
    )


def _token_time(answer: Answer) -> float:
    return (answer.times[-1] - answer.times[0]) / max(1, answer.generated - 1)


def pace(times: Sequence[float]) -> tuple[float, ...]:
    """Time of a token in each full window of an answer of at least two."""
    marks = times[::WINDOW]
    if len(marks) < 3:
        return ()
    return tuple((late - early) / WINDOW for early, late in pairwise(marks))
