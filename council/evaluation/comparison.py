"""Several panels on the same questions: each against the first one, with its members beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from council.evaluation.findings import points, share, told
from council.evaluation.statistics import Interval, paired
from council.evaluation.summary import Row, Summary
from council.evaluation.tables import NOTHING, flat, percent, table
from council.evaluation.voices import Role


@dataclass(frozen=True, slots=True)
class Measured:
    """One of the panels.

    Attributes:
        name: What it is called; no two are called alike.
        summary: What its evaluation came to.
    """

    name: str
    summary: Summary


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """A panel, or one answer within it, against the first panel.

    Attributes:
        panel: The panel's name.
        name: The row's name in the panel's own report.
        role: What it is there.
        questions: On how many questions it gave an answer.
        accuracy: The share of these that it got right, 0 to 1.
        ahead: By how much the row's share is greater than the first panel's, on the questions that
            both answered; None for the first panel.
        tokens: What one answer takes on average, prompts included.
        estimated: Whether some of them are estimated.
        ratio: The same as a share of the first panel's; None where that has none.
    """

    panel: str
    name: str
    role: Role
    questions: int
    accuracy: Interval | None
    ahead: Interval | None
    tokens: float
    estimated: bool
    ratio: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All of them.

    Attributes:
        first: The panel that the others are compared with.
        rows: The panels in order, each with its members after it. Those of a panel that stopped
            early are left out: what they were asked is no fair sample of the questions.
        findings: A sentence for each panel after the first, and for the best of their members.
    """

    first: str
    rows: tuple[ComparedRow, ...]
    findings: tuple[str, ...]


def compare(measured: Sequence[Measured], seed: int) -> Comparison:
    """Compares panels that were asked the same questions.

    Args:
        measured: At least one; the first is what the others are compared with.
        seed: Draws the resamples.
    """
    first = measured[0]
    rows = [_compared(one.name, row, first, seed) for one in measured for row in _shown(one)]
    return Comparison(first.name, tuple(rows), tuple(_findings(first, rows)))


def comparison_markdown(comparison: Comparison, questions: str) -> str:
    """The comparison as a table, with what it found below.

    Args:
        comparison: What to show.
        questions: The question file.
    """
    first = comparison.first
    heads = ("", "accuracy", "95%", f"ahead of {first} by", "95%", "tokens an answer", "of its")
    parts = [f"**Compared** with {flat(first)} on {flat(questions)}"]
    parts.append(table(heads, (_cells(row) for row in comparison.rows)))
    notes = [*comparison.findings, _NOTE]
    return "\n\n".join([*parts, "\n".join(f"- {flat(note)}" for note in notes)])


def pictured(measured: Sequence[Measured]) -> list[Row]:
    """The rows as a picture shows them: each by its panel's name, the panel itself by that alone.

    Args:
        measured: At least one; alone, its rows keep their names.
    """
    if len(measured) == 1:
        return list(measured[0].summary.rows)
    return [
        replace(row, name=one.name if row.role == "panel" else f"{one.name}: {row.name}")
        for one in measured
        for row in _shown(one)
    ]


_NOTE = (
    "ahead: in points, on the questions that both answered, bootstrap over questions. Experts with"
    " samples and single answers count on average; the tokens are those of one answer."
)


def _shown(one: Measured) -> Sequence[Row]:
    rows = one.summary.rows
    return [row for row in rows if row.role == "panel"] if one.summary.saved else rows


def _compared(name: str, row: Row, first: Measured, seed: int) -> ComparedRow:
    whole = first.summary.rows[0]
    tokens, most = _tokens(row), _tokens(whole)
    return ComparedRow(
        panel=name,
        name=row.name,
        role=row.role,
        questions=row.questions,
        accuracy=row.accuracy,
        ahead=None if row is whole else paired(row.scores, whole.scores, seed),
        tokens=tokens,
        estimated=row.usage.estimated,
        ratio=tokens / most if most else None,
    )


def _tokens(row: Row) -> float:
    """Tokens of one answer, failed ones included."""
    answers = sum(row.verdicts.values())
    return row.usage.total_tokens / answers if answers else 0.0


def _findings(first: Measured, rows: Sequence[ComparedRow]) -> Iterator[str]:
    whole = share(first.summary.rows[0].accuracy)
    others = [row for row in rows if row.panel != first.name]
    for row in [*(row for row in others if row.role == "panel"), *_best_member(others)]:
        if row.ahead:
            name = row.panel if row.role == "panel" else f"the others' best member, {_name(row)}"
            yield (
                f"{name} {share(row.accuracy)} against {first.name} {whole}: {points(row.ahead)},"
                f" {told(row.ahead)}{_for_tokens(row)}."
            )


def _best_member(rows: Sequence[ComparedRow]) -> list[ComparedRow]:
    """The expert that was right most often, the first of several; nobody where there is none."""
    shares = {row: row.accuracy.value for row in rows if row.role == "expert" and row.accuracy}
    return [max(shares, key=lambda row: shares[row])] if shares else []


def _for_tokens(row: ComparedRow) -> str:
    return "" if row.ratio is None else f", for {row.ratio:.0%} of its tokens"


def _name(row: ComparedRow) -> str:
    return f"{row.panel}: {row.name}"


def _cells(row: ComparedRow) -> list[str]:
    about = "~" if row.estimated else ""
    return [
        _name(row),
        *percent(row.accuracy),
        *percent(row.ahead, signed=True),
        f"{about}{row.tokens:.1f}",
        NOTHING if row.ratio is None else f"{row.ratio:.0%}",
    ]
