"""What the outcomes of many runs come to: shares, intervals, flips, costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from council.evaluation.questions import Question
from council.evaluation.scoring import VERDICTS, Answered, Verdict
from council.evaluation.statistics import Interval, accuracy, paired, quantile
from council.evaluation.voices import Role, Voice, panel_voices, whole_panel
from council.messages import Usage


@dataclass(frozen=True, slots=True)
class Row:
    """One of those who are compared.

    Attributes:
        name: What it is called.
        role: What it is.
        questions: On how many questions it gave an answer.
        accuracy: The share of these that it got right, 0 to 1; None where it answered none.
        scores: For each of these questions' ids, the share of its answers that are right.
        verdicts: How many of its answers were which.
        ahead: By how much the panel's share is greater, on the questions that both answered; -1 to
            1, None for the panel itself.
        gained: Questions that its first answer did not get right, and the panel did; as `lost`, of
            no meaning for a single answer on average.
        lost: Questions that its first answer got right, and the panel did not.
        requests: How many requests were behind its answers.
        usage: The tokens of these.
        median: Of the seconds that an answer took; None where there is none.
        p95: The seconds within which 95% of the answers came.
    """

    name: str
    role: Role
    questions: int
    accuracy: Interval | None
    scores: Mapping[str, float]
    verdicts: Mapping[Verdict, int]
    ahead: Interval | None
    gained: int
    lost: int
    requests: int
    usage: Usage
    median: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Field:
    """One field's questions: for each row's name, the share that it got right."""

    name: str
    questions: int
    accuracy: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Summary:
    """An evaluation, as far as it has come.

    Attributes:
        asked: How many questions the panel has been asked.
        of: How many it was to be asked.
        rows: The panel, a single answer of it if it has several experts, these, then the baseline
            if there is one.
        fields: In the order of the file; empty where questions name none.
        saved: Requests never sent because the answers so far decided.
        remarks: What the reader should know besides, a sentence each.
    """

    asked: int
    of: int
    rows: tuple[Row, ...]
    fields: tuple[Field, ...]
    saved: int
    remarks: tuple[str, ...]


def summarize(
    questions: Sequence[Question],
    panel: Sequence[Answered],
    experts: Sequence[str],
    *,
    strategy: str,
    baseline: Sequence[Answered] = (),
    baseline_name: str = "",
    seed: int = 0,
) -> Summary:
    """Compares the panel with each of its experts and with the baseline.

    Args:
        questions: All that were to be asked.
        panel: The panel's outcomes so far.
        experts: The experts' ids.
        strategy: What the panel is called.
        baseline: The baseline's outcomes so far.
        baseline_name: What it is called; empty for no baseline.
        seed: Draws the resamples.
    """
    voices = panel_voices(strategy, experts, panel)
    whole = voices[0]
    if baseline_name:
        voices.append(whole_panel(baseline_name, "baseline", baseline))
    return Summary(
        asked=len(panel),
        of=len(questions),
        rows=tuple(_row(voice, whole, seed) for voice in voices),
        fields=_fields(questions, voices),
        saved=sum(outcome.result.saved for outcome in panel),
        remarks=(*_partly_asked(voices, len(panel)), *_failures(panel), *_failures(baseline)),
    )


def _row(voice: Voice, whole: Voice, seed: int) -> Row:
    scores = voice.scores()
    gained, lost = _flips(voice, whole)
    return Row(
        name=voice.name,
        role=voice.role,
        questions=len(scores),
        # In the order of ids: runs end in any order, and a seed is to give the same interval.
        accuracy=accuracy([scores[id] for id in sorted(scores)], seed),
        scores=scores,
        verdicts={verdict: voice.count(verdict) for verdict in VERDICTS},
        ahead=None if voice is whole else paired(whole.scores(), scores, seed),
        gained=gained,
        lost=lost,
        requests=voice.requests,
        usage=voice.usage,
        median=quantile(voice.seconds, 0.5) if voice.seconds else None,
        p95=quantile(voice.seconds, 0.95) if voice.seconds else None,
    )


def _flips(voice: Voice, whole: Voice) -> tuple[int, int]:
    """How often the panel was right where a single answer was not, and the other way round."""
    gained = lost = 0
    for id, verdicts in voice.verdicts.items():
        pair = (verdicts[0], whole.verdicts.get(id, ["failed"])[0])
        if "failed" not in pair:
            gained += pair[0] != "right" and pair[1] == "right"
            lost += pair[0] == "right" and pair[1] != "right"
    return gained, lost


def _fields(questions: Sequence[Question], voices: Sequence[Voice]) -> tuple[Field, ...]:
    scores = {voice.name: voice.scores() for voice in voices}
    found = []
    for name in dict.fromkeys(question.field for question in questions if question.field):
        ids = {question.id for question in questions if question.field == name}
        asked = ids & voices[0].verdicts.keys()
        means = {voice: _mean(given, ids) for voice, given in scores.items() if ids & given.keys()}
        if asked:
            found.append(Field(name, len(asked), means))
    return tuple(found)


def _mean(scores: Mapping[str, float], ids: set[str]) -> float:
    given = [score for id, score in scores.items() if id in ids]
    return sum(given) / len(given)


def _partly_asked(voices: Sequence[Voice], asked: int) -> list[str]:
    """Says of whom the panel did not always ask that its share is of other questions."""
    return [
        f"{voice.name} was asked {len(voice.verdicts)} of {asked} questions: its accuracy is of"
        " those alone, and they are no random choice"
        for voice in voices
        if voice.role == "expert" and len(voice.verdicts) < asked
    ]


def _failures(outcomes: Sequence[Answered]) -> list[str]:
    """The first cause where runs failed."""
    errors = [
        outcome.result.error.message if outcome.result.error else "no answer"
        for outcome in outcomes
        if outcome.verdict == "failed"
    ]
    if not errors:
        return []
    return [
        f"{len(errors)} of {len(outcomes)} runs failed and are in no accuracy; first: {errors[0]}"
    ]
