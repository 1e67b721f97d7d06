"""An evaluation as Markdown for people, and as JSON with every single answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from council.evaluation.findings import findings
from council.evaluation.scoring import VERDICTS, Answered
from council.evaluation.summary import Row, Summary
from council.evaluation.tables import NOTHING, flat, percent, table
from council.evaluation.voices import requests_of
from council.expert import Expert


@dataclass(frozen=True, slots=True)
class Member:
    """How one of the panel's experts was asked.

    Attributes:
        id: The expert.
        samples: How many answers it was to give.
        weight: What its vote counts.
        temperature: None where that was left to the server.
    """

    id: str
    samples: int
    weight: float
    temperature: float | None

    @classmethod
    def of(cls, expert: Expert) -> Member:
        """How an expert is asked."""
        return cls(expert.id, expert.samples, expert.weight, expert.sampling.temperature)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was measured.

    Attributes:
        config: The panel file.
        questions: The question file.
        seed: Of lots and resamples.
        at_once: How many questions were under way at once.
        interrupted: Whether it was stopped before its end.
        members: How each expert was asked.
    """

    config: str
    questions: str
    seed: int
    at_once: int
    interrupted: bool = False
    members: tuple[Member, ...] = ()


def markdown(asked: Asked, summary: Summary) -> str:
    """The report: what was found, two tables, one by fields if questions name any, and notes."""
    parts = [_title(asked, summary), table(_ACCURACY, _accuracy_rows(summary))]
    found = findings(summary)
    parts += ["\n".join(f"- {flat(finding)}" for finding in found)] if found else []
    parts.append(table(_COSTS, _cost_rows(summary)))
    if summary.fields:
        parts.append(table(_field_heads(summary), _field_rows(summary)))
    parts.append("\n".join(f"- {flat(note)}" for note in _notes(asked, summary)))
    return "\n\n".join(parts)


def as_data(
    asked: Asked, summary: Summary, panel: Sequence[Answered], baseline: Sequence[Answered]
) -> dict[str, Any]:
    """Everything, as one object of JSON."""
    return {
        **asdict(asked),
        **asdict(summary),
        "findings": findings(summary),
        "answers": [_answered(outcome) for outcome in panel],
        "baseline_answers": [_answered(outcome) for outcome in baseline],
    }


_ACCURACY = (
    *("", "accuracy", "95%", *VERDICTS),
    *("panel ahead by", "95%", "panel mends", "panel spoils"),
)
_COSTS = (
    *("", "requests", "prompt tokens", "reply tokens", "tokens a question"),
    *("median s", "p95 s"),
)


def _title(asked: Asked, summary: Summary) -> str:
    count = f"{summary.asked} questions"
    if summary.asked < summary.of:
        count = f"{summary.asked} of {summary.of} questions"
    stopped = ", interrupted" if asked.interrupted else ""
    return f"**{flat(asked.config)}** on {flat(asked.questions)}: {count}{stopped}"


def _accuracy_rows(summary: Summary) -> Iterator[list[str]]:
    for row in summary.rows:
        flips = (
            [NOTHING] * 2 if row.role in ("panel", "single") else [str(row.gained), str(row.lost)]
        )
        yield [
            row.name,
            *percent(row.accuracy),
            *(str(row.verdicts[verdict]) for verdict in VERDICTS),
            *percent(row.ahead, signed=True),
            *flips,
        ]


def _cost_rows(summary: Summary) -> Iterator[list[str]]:
    for row in summary.rows:
        if row.role == "single":
            continue
        usage = row.usage
        about = "~" if usage.estimated else ""
        answered = sum(row.verdicts.values())
        yield [
            row.name,
            f"{row.requests:,}",
            f"{about}{usage.prompt_tokens:,}",
            f"{about}{usage.completion_tokens:,}",
            f"{about}{_each(row, summary):.1f}" if answered else NOTHING,
            _seconds(row.median),
            _seconds(row.p95),
        ]


def _each(row: Row, summary: Summary) -> float:
    """Tokens a question, over those asked; the baseline may have been asked fewer."""
    asked = sum(row.verdicts.values()) if row.role == "baseline" else summary.asked
    return row.usage.total_tokens / asked


def _field_heads(summary: Summary) -> tuple[str, ...]:
    return ("field", "questions", *(row.name for row in summary.rows))


def _field_rows(summary: Summary) -> Iterator[list[str]]:
    for field in summary.fields:
        shares = (field.accuracy.get(row.name) for row in summary.rows)
        cells = (NOTHING if share is None else f"{share:.0%}" for share in shares)
        yield [field.name, str(field.questions), *cells]


def _notes(asked: Asked, summary: Summary) -> Iterator[str]:
    yield (
        "accuracy: of the questions answered; failed ones are in none. Intervals: Wilson where each"
        " question counts as right or not; else, and for differences (in points, on the questions"
        f" that both answered), bootstrap over questions, seed {asked.seed}; with few questions, or"
        " all alike, no narrower than Wilson's, and for differences than an exact sign test's."
    )
    yield (
        "right to failed: numbers of answers, an expert's samples each for itself. panel mends: the"
        " panel is right where this one's first answer is not; spoils: the other"
        " way round."
    )
    yield from _sampling(asked.members)
    yield f"seconds: with {asked.at_once} questions under way at once, loading of models included."
    if summary.saved:
        yield (
            f"{summary.saved:,} requests were saved by stopping early; an expert's accuracy is of"
            " what it was asked."
        )
    if any(row.usage.estimated for row in summary.rows):
        yield (
            "~: some tokens are estimated from lengths, of replies that were cut short or whose"
            " server reports none."
        )
    yield from summary.remarks


def _sampling(members: Sequence[Member]) -> Iterator[str]:
    """How members were asked, and what that means for a vote among samples."""
    if members:
        yield f"asked: {'; '.join(map(_way, members))}."
    if any(member.samples > 1 and member.temperature != 0 for member in members):
        yield (
            "samples are drawn with chance, and are worse for it the higher the temperature: a vote"
            " among them may do no more than come back to one answer at temperature 0. Measure that"
            " beside it."
        )


def _way(member: Member) -> str:
    """`ada × 3 at temperature 0.7, weight 2`."""
    count = f" × {member.samples}" if member.samples > 1 else ""
    heat = "its server's temperature"
    if member.temperature is not None:
        heat = f"temperature {member.temperature:g}"
    weight = f", weight {member.weight:g}" if member.weight != 1 else ""
    return f"{member.id}{count} at {heat}{weight}"


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def _answered(outcome: Answered) -> dict[str, Any]:
    question, result = outcome.question, outcome.result
    return {
        "question": asdict(question),
        "verdict": outcome.verdict,
        "answer": result.answer,
        "status": result.status,
        "reasons": list(result.reasons),
        "error": asdict(result.error) if result.error else None,
        "seconds": result.seconds,
        "usage": asdict(result.usage),
        "requests": len(requests_of(result)),
        "saved": result.saved,
        "replies": [
            {
                "expert": reply.id,
                "sample": reply.sample,
                "verdict": verdict,
                "status": reply.status,
                "text": reply.text,
                "error": asdict(reply.error) if reply.error else None,
                "seconds": reply.timings.total,
                "usage": asdict(reply.usage) if reply.usage else None,
            }
            for reply, verdict in zip(result.experts, outcome.verdicts, strict=True)
        ],
    }
