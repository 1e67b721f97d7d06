"""The whole picture of a run: a header, the panes of each stage, and the strategy's progress."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from council.cli.view.board import BoardShown
from council.cli.view.drawing import NAME, Drawing, Line, cells_of
from council.cli.view.layout import Block, lay_out, widths
from council.cli.view.marks import dot, spinner
from council.cli.view.pane import ACTIVE, OVER, PaneShown
from council.cli.view.progress import Row
from council.cli.view.tame import line_of
from council.prices import in_dollars


class Frame:
    """Draws a board to fit a size; `drawing` remembers what has not changed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._plain = console.options.ascii_only
        self._drawing = Drawing(console)
        self._size = (0, 0)

    def live(self, board: BoardShown, width: int, height: int, seconds: float) -> list[Line]:
        """The picture while the run goes on: as many rows as there are, but for empty ones.

        Args:
            board: What is known.
            width: Of the terminal, in cells.
            height: Of the terminal, in rows.
            seconds: Since the run began.
        """
        self._fit(width, height)
        rows = board.rows[-max(1, height // 4) :]
        free = max(0, height - 1 - len(rows))
        counts = [len(panes) for panes in board.stages]
        blocks = lay_out(counts, width, free)
        lines = [self._header(board, width, seconds)]
        lines += self._stages(board.stages, blocks, width)
        return (lines + self._rows(rows, width))[:height]

    def final(self, board: BoardShown, width: int, height: int) -> list[Line]:
        """The picture that stays: no higher than its texts, nor than the terminal."""
        self._fit(width, height)
        rows = [row for row in board.rows if not row.repeated]
        free = max(1, height - 1 - len(rows))
        counts = [len(panes) for panes in board.stages]
        blocks = lay_out(counts, width, free)
        wants = [
            [
                self._drawing.want(pane, width // block.columns, free) if block.boxed else 1
                for pane in panes
            ]
            for panes, block in zip(board.stages, blocks, strict=True)
        ]
        blocks = lay_out(counts, width, free, wants)
        return self._stages(board.stages, blocks, width) + self._rows(rows, width)

    def brief(self, board: BoardShown, width: int) -> list[Line]:
        """A line for each reply of the last stages, for what comes again and again."""
        all_panes = [pane for panes in board.stages for pane in panes]
        named = _longest_name(all_panes)
        lines = [self._drawing.line(pane, width, named) for pane in all_panes]
        return lines + self._rows([row for row in board.rows if not row.repeated], width)

    def _fit(self, width: int, height: int) -> None:
        if self._size != (width, height):
            self._drawing.forget()
            self._size = (width, height)

    def _header(self, board: BoardShown, width: int, seconds: float) -> Line:
        facts = [fact for fact in (board.strategy, _counted(board.stages)) if fact]
        if board.cost:
            facts.append(in_dollars(board.cost))
        facts.append(f"{seconds:.1f} s")
        between = dot(plain=self._plain)
        while len(facts) > 1 and cell_len(between.join(facts)) > width // 2:
            facts.pop(0)
        right = Text(between.join(facts) + " ", style="dim")
        left = Text.assemble(
            (f" {spinner(seconds, plain=self._plain)} ", "cyan"), (line_of(board.question), "bold")
        )
        left.truncate(max(0, width - right.cell_len - 2), overflow="ellipsis", pad=True)
        return self._line(Text.assemble(left, "  ", right), width)

    def _stages(
        self, stages: Sequence[Sequence[PaneShown]], blocks: Sequence[Block], width: int
    ) -> list[Line]:
        lines = [
            line
            for panes, block in zip(stages, blocks, strict=True)
            for line in self._block(panes, block, width)
        ]
        left_out = [
            pane
            for panes, block in zip(stages, blocks, strict=True)
            if block.hidden
            for pane in _first_active(panes)[-block.hidden :]
        ]
        return [*lines, self._line(_rest(left_out), width)] if left_out else lines

    def _block(self, panes: Sequence[PaneShown], block: Block, width: int) -> list[Line]:
        if block.hidden:
            panes = _first_active(panes)
        named = _longest_name(panes)
        lines: list[Line] = []
        for number, height in enumerate(block.heights):
            beside = panes[number * block.columns : (number + 1) * block.columns]
            # The last boxes share the whole width where some are missing.
            columns = widths(len(beside) if block.boxed else block.columns, width)
            drawn = [
                self._drawing.box(pane, wide, height)
                if block.boxed
                else [self._drawing.line(pane, wide, named)]
                for pane, wide in zip(beside, columns, strict=False)
            ]
            lines += [
                [cell for line in across for cell in line] for across in zip(*drawn, strict=True)
            ]
        return lines

    def _rows(self, rows: Sequence[Row], width: int) -> list[Line]:
        longest = max((len(row.name) for row in rows), default=0)
        return [
            self._line(
                Text.assemble(
                    (f" {row.name:<{longest}}  ", "bold"), (line_of(row.text), row.colour)
                ),
                width,
            )
            for row in rows
        ]

    def _line(self, text: Text, width: int) -> Line:
        return cells_of(self._console, text, width, pad=False)


def _counted(stages: Sequence[Sequence[PaneShown]]) -> str:
    """How many replies of the last stage are there."""
    if not stages:
        return ""
    over = sum(pane.state in OVER for pane in stages[-1])
    return f"{stages[-1][0].stage} {over}/{len(stages[-1])}"


def _longest_name(panes: Sequence[PaneShown]) -> int:
    """In cells."""
    return min(NAME, max((cell_len(line_of(pane.name)) for pane in panes), default=0))


def _first_active(panes: Sequence[PaneShown]) -> list[PaneShown]:
    """Whoever is at work comes first, else the order is kept."""
    return sorted(panes, key=lambda pane: pane.state not in ACTIVE)


def _rest(panes: Sequence[PaneShown]) -> Text:
    """How those are that have no room, in a few words."""
    states = [pane.state for pane in panes]
    counted = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    return Text(f" and {len(panes)} more: {counted}", style="dim")


class Picture:
    """Lines of cells as something that rich prints."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines

    def __rich_console__(self, console: object, options: object) -> list[Segment]:
        return [cell for line in self._lines for cell in (*line, Segment.line())]
