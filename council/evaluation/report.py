"""An evaluation as Markdown for people, and as JSON with every single answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from council.evaluation.scoring import VERDICTS, Answered
from council.evaluation.statistics import Interval
from council.evaluation.summary import Row, Summary
from council.evaluation.voices import requests_of

_NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was measured.

    Attributes:
        config: The panel file.
        questions: The question file.
        seed: Of lots and resamples.
        at_once: How many questions were under way at once.
        interrupted: Whether it was stopped before its end.
    """

    config: str
    questions: str
    seed: int
    at_once: int
    interrupted: bool = False


def markdown(asked: Asked, summary: Summary) -> str:
    """The report: two tables, one by fields if questions name any, and what else to know."""
    parts = [_title(asked, summary), _table(_ACCURACY, _accuracy_rows(summary))]
    parts.append(_table(_COSTS, _cost_rows(summary)))
    if summary.fields:
        parts.append(_table(_field_heads(summary), _field_rows(summary)))
    parts.append("\n".join(f"- {_flat(note)}" for note in _notes(asked, summary)))
    return "\n\n".join(parts)


def to_json(
    asked: Asked, summary: Summary, panel: Sequence[Answered], baseline: Sequence[Answered]
) -> str:
    """Everything, as one object."""
    data = {
        **asdict(asked),
        **asdict(summary),
        "answers": [_answered(outcome) for outcome in panel],
        "baseline_answers": [_answered(outcome) for outcome in baseline],
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def percent(interval: Interval | None, *, signed: bool = False) -> tuple[str, str]:
    """A share and its interval in percent, or in points with a sign."""
    if interval is None:
        return _NOTHING, _NOTHING
    form = "{:+.1f}" if signed else "{:.1f}"
    value, low, high = (
        # A zero has no sign.
        form.format(100 * share).replace("-0.0", "0.0").replace("+0.0", "0.0")
        for share in (interval.value, interval.low, interval.high)
    )
    return f"{value}" if signed else f"{value}%", f"{low} to {high}"


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
    return f"**{_flat(asked.config)}** on {_flat(asked.questions)}: {count}{stopped}"


def _accuracy_rows(summary: Summary) -> Iterator[list[str]]:
    for row in summary.rows:
        flips = [_NOTHING] * 2 if row.role == "panel" else [str(row.gained), str(row.lost)]
        yield [
            row.name,
            *percent(row.accuracy),
            *(str(row.verdicts[verdict]) for verdict in VERDICTS),
            *percent(row.ahead, signed=True),
            *flips,
        ]


def _cost_rows(summary: Summary) -> Iterator[list[str]]:
    for row in summary.rows:
        usage = row.usage
        about = "~" if usage.estimated else ""
        answered = sum(row.verdicts.values())
        yield [
            row.name,
            f"{row.requests:,}",
            f"{about}{usage.prompt_tokens:,}",
            f"{about}{usage.completion_tokens:,}",
            f"{about}{_each(row, summary):.1f}" if answered else _NOTHING,
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
        cells = (_NOTHING if share is None else f"{share:.0%}" for share in shares)
        yield [field.name, str(field.questions), *cells]


def _notes(asked: Asked, summary: Summary) -> Iterator[str]:
    yield (
        "accuracy: of the questions answered; failed ones are in none. Intervals: Wilson where each"
        " question counts as right or not; else, and for differences (in points, on the questions"
        f" that both answered), bootstrap over questions, seed {asked.seed}."
    )
    yield (
        "right to failed: numbers of answers, an expert's samples each for itself. panel mends: the"
        " panel is right where this one's first answer is not; spoils: the other"
        " way round."
    )
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


def _table(heads: Sequence[str], rows: Iterator[list[str]]) -> str:
    rule = ["---", *("---:" for _ in heads[1:])]
    return "\n".join(_line(cells) for cells in (heads, rule, *rows))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_flat(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _flat(text: str) -> str:
    return " ".join(text.split())


def _seconds(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.2f}"


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
