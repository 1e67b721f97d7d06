"""Measurements as Markdown tables: the median of the repeats, and their least and greatest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median

from benchmarks.client_bench.cell import Cell
from benchmarks.client_bench.runner import Measurement

FLOOR = "floor"
SDK = "openai"


class Report:
    """Answers questions about measurements.

    Args:
        measurements: All of them, in any order.
    """

    def __init__(self, measurements: Sequence[Measurement]) -> None:
        self._by_cell: dict[Cell, dict[int, Measurement]] = {}
        for done in measurements:
            self._by_cell.setdefault(done.cell, {})[done.repeat] = done

    def markdown(self) -> str:
        """All tables."""
        tables = [self._streaming(mode) for mode in ("paced", "batch", "flood")]
        tables += [self._imports()]
        return "\n\n".join(table for table in tables if table)

    def cells(self, mode: str) -> list[Cell]:
        """What was streamed in a mode."""
        return [cell for cell in self._by_cell if cell.mode == mode and cell.tokens]

    def _streaming(self, mode: str) -> str:
        head = (
            *("streams", "tokens each", "a second", "client"),
            *("CPU µs a token", f"× {FLOOR}", f"× {SDK}"),
            *("first token ms", "slowest ms", "KiB a stream", "tokens/s"),
        )
        rows = [self._row(cell) for cell in self.cells(mode)]
        return f"### {mode.capitalize()}\n\n{table(head, rows)}" if rows else ""

    def _row(self, cell: Cell) -> Sequence[str]:
        pace = f"{cell.rate:g}" if cell.paced else "all"
        start = (str(cell.streams), str(cell.tokens), pace, cell.client)
        error = self.error(cell)
        if error:
            return (*start, error, *[""] * 6)
        tokens = cell.streams * cell.tokens
        return (
            *start,
            spread(self.values(cell, lambda m: m.outcome.cpu / tokens * 1e6)),
            spread(self.ratios(cell, FLOOR), "{:.2f}"),
            spread(self.ratios(cell, SDK), "{:.2f}"),
            _or_dash(self.values(cell, lambda m: (m.outcome.first_token or 0) * 1e3), cell),
            _or_dash(self.values(cell, lambda m: (m.outcome.slowest_first_token or 0) * 1e3), cell),
            self.memory(cell),
            f"{median(self.values(cell, lambda m: tokens / m.outcome.wall)):,.0f}"
            + self._pace(cell),
        )

    def _pace(self, cell: Cell) -> str:
        """A mark where a paced client did not keep up: then it read many tokens at once."""
        asked = cell.streams * cell.rate
        reached = median(self.values(cell, lambda m: cell.streams * cell.tokens / m.outcome.wall))
        return " (behind)" if cell.paced and reached < 0.85 * asked else ""

    def _imports(self) -> str:
        rows = []
        for cell in self._by_cell:
            if cell.mode == "import":
                error = self.error(cell)
                times = [] if error else self.values(cell, lambda m: m.outcome.cpu * 1e3)
                rows.append((cell.client, error or spread(times, "{:.0f}")))
        return f"### Import\n\n{table(('client', 'CPU ms'), rows)}" if rows else ""

    def memory(self, cell: Cell) -> str:
        """Peak memory above that of the client at rest, for each stream."""
        rest = self._by_cell.get(Cell(cell.client, "rest"), {}).values()
        at_rest = [done.outcome.peak for done in rest if not done.outcome.error]
        if not at_rest:
            return "–"
        base = median(at_rest)
        sizes = self.values(cell, lambda m: (m.outcome.peak - base) / cell.streams / 1024)
        return spread(sizes, "{:,.0f}")

    def error(self, cell: Cell) -> str | None:
        """Why a cell has no figures."""
        errors = (done.outcome.error for done in self._by_cell[cell].values())
        return next(filter(None, errors), None)

    def values(self, cell: Cell, figure: Callable[[Measurement], float]) -> list[float]:
        """A figure in each repeat."""
        return [figure(done) for done in self._by_cell[cell].values()]

    def ratios(self, cell: Cell, other: str) -> list[float]:
        """CPU time over another client's in the same repeat."""
        others = self._by_cell.get(replace(cell, client=other), {})
        return [
            done.outcome.cpu / others[repeat].outcome.cpu
            for repeat, done in self._by_cell[cell].items()
            if repeat in others and others[repeat].outcome.cpu
        ]


def scale(measurements: Sequence[Measurement]) -> str:
    """One stream, short and long: what grows in proportion has the same figures in both rows."""
    report = Report(measurements)
    rows = []
    for cell in report.cells("flood"):
        error = report.error(cell)
        cpu = [] if error else report.values(cell, lambda m: m.outcome.cpu)
        wall = [] if error else report.values(cell, lambda m: m.outcome.wall)
        micros = [seconds / cell.tokens * 1e6 for seconds in cpu]
        memory = "" if error else report.memory(cell)
        numbers = (error or spread(cpu, "{:.3f}"), spread(wall, "{:.3f}"), spread(micros), memory)
        rows.append((cell.client, f"{cell.tokens:,}", *numbers))
    head = ("client", "tokens", "CPU s", "time s", "CPU µs a token", "KiB above rest")
    return f"### One long stream\n\n{table(head, sorted(rows))}"


def spread(values: Sequence[float], form: str = "{:.1f}") -> str:
    """The median, with the least and the greatest where there are several."""
    if not values:
        return "–"
    middle = form.format(median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({form.format(min(values))}–{form.format(max(values))})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _or_dash(values: list[float], cell: Cell) -> str:
    return "–" if cell.client == "null" else spread(values)
