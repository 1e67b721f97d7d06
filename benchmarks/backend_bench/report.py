"""Measurements as Markdown tables: the median of the repeats, and their least and greatest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.backend_bench.cell import OURS, WINDOW, Cell, Outcome
from benchmarks.backend_bench.prompts import KINDS
from benchmarks.backend_bench.runner import Measurement
from benchmarks.client_bench.report import spread, table

_HEAD = (
    *("requests", "who", "time s", f"{OURS} ÷ it", "least ÷ least", "CPU s", "CPU ÷ CPU"),
    *("first token ms", "last one's ms", "tokens/s", "ms a token", "reused", "HTTP's CPU"),
)

Figure = Callable[[Outcome], float]


class Report:
    """Answers questions about measurements.

    Args:
        measurements: All of them, in any order.
    """

    def __init__(self, measurements: Sequence[Measurement]) -> None:
        self._by_cell: dict[Cell, dict[int, Outcome]] = {}
        for done in measurements:
            repeats = self._by_cell.setdefault(done.cell, {})
            # Files of several runs count their repeats from 0 each.
            free = next(n for n in range(done.repeat, len(measurements) * 2) if n not in repeats)
            repeats[free] = done.outcome

    def markdown(self) -> str:
        """All tables."""
        tables = [self._table(kind, about) for kind, about in KINDS.items()]
        return "\n\n".join(part for part in [*tables, self._growth()] if part)

    def _table(self, kind: str, about: str) -> str:
        cells = [cell for cell in self._by_cell if cell.kind == kind]
        rows = [self._row(cell) for cell in sorted(cells, key=lambda cell: cell.requests)]
        return f"### {kind.capitalize()}: {about}\n\n{table(_HEAD, rows)}" if rows else ""

    def _row(self, cell: Cell) -> Sequence[str]:
        start = (str(cell.requests), cell.subject)
        if error := self.error(cell):
            return (*start, error, *[""] * (len(_HEAD) - 3))
        tokens = cell.requests * cell.tokens
        return (
            *start,
            spread(self.values(cell, lambda o: o.wall), "{:.2f}"),
            spread(self.ratios(cell), "{:.2f}"),
            _one(self.ratio_of_least(cell, lambda o: o.wall)),
            spread(self.values(cell, _cpu), "{:.2f}"),
            _one(self.ratio_of_least(cell, _cpu)),
            spread(self.values(cell, lambda o: o.first_token * 1e3), "{:.0f}"),
            spread(self.values(cell, lambda o: o.last_first_token * 1e3), "{:.0f}"),
            spread(self.values(cell, lambda o: tokens / o.wall), "{:.0f}"),
            spread(self.values(cell, lambda o: o.token_time * 1e3), "{:.1f}"),
            spread(self.values(cell, _reused), "{:.0f} %"),
            spread(self.values(cell, _front), "{:.0f} %"),
        )

    def _growth(self) -> str:
        """How the time of a token grows along a long answer."""
        rows = []
        for cell, outcomes in self._by_cell.items():
            paces = [outcome.pace for outcome in outcomes.values() if outcome.pace]
            if not paces:
                continue
            columns = [[pace[at] * 1e3 for pace in paces] for at in _stations(len(paces[0]))]
            growth = [pace[-1] / pace[0] for pace in paces]
            places = " · ".join(str((at + 1) * WINDOW) for at in _stations(len(paces[0])))
            times = " · ".join(spread(column, "{:.2f}") for column in columns)
            rows.append((cell.subject, places, times, spread(growth, "{:.2f}")))
        head = ("who", "tokens before", "ms a token", "last ÷ first")
        return f"### Along a long answer\n\n{table(head, rows)}" if rows else ""

    def error(self, cell: Cell) -> str | None:
        """Why a cell has no figures, on one line."""
        errors = (outcome.error for outcome in self._by_cell[cell].values())
        error = next(filter(None, errors), None)
        return error and " ".join(error.split()).replace("|", "\\|")[:300]

    def values(self, cell: Cell, figure: Figure) -> list[float]:
        """A figure in each repeat; without those where it is not known (negative)."""
        found = map(figure, self._by_cell[cell].values())
        return [value for value in found if value >= 0]

    def ratios(self, cell: Cell) -> list[float]:
        """Our time over this subject's in the same repeat."""
        ours = self._by_cell.get(replace(cell, subject=OURS), {})
        return [
            ours[repeat].wall / outcome.wall
            for repeat, outcome in self._by_cell[cell].items()
            if repeat in ours and not ours[repeat].error
        ]

    def ratio_of_least(self, cell: Cell, figure: Figure) -> float | None:
        """Our least figure over this subject's least: what a busy machine disturbs least."""
        other = replace(cell, subject=OURS)
        if other not in self._by_cell or self.error(other):
            return None
        ours, its = self.values(other, figure), self.values(cell, figure)
        least = min(its, default=0.0)
        return min(ours) / least if ours and least else None


def _stations(windows: int) -> list[int]:
    """Windows to show: the first, the middle one, the last."""
    return sorted({0, windows // 2, windows - 1})


def _cpu(outcome: Outcome) -> float:
    return -1.0 if outcome.cpu is None else outcome.cpu


def _reused(outcome: Outcome) -> float:
    return outcome.cached / outcome.prompt * 100 if outcome.prompt else -1.0


def _front(outcome: Outcome) -> float:
    if outcome.cpu_front is None or not outcome.cpu or outcome.cpu_front == outcome.cpu:
        return -1.0
    return outcome.cpu_front / outcome.cpu * 100


def _one(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
