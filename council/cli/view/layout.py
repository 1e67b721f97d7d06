"""Where panes go: arithmetic over widths and heights in cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

LEAST_BOX = 3
"""The height of a box with one line in it."""

_BOX_WIDTH = 30
_LINE_WIDTH = 38
_GLANCE = 5  # rows for a box of a stage that is over


@dataclass(frozen=True, slots=True)
class Block:
    """Where the panes of one stage go.

    Attributes:
        columns: How many stand side by side.
        heights: The height of each row of them, borders included.
        boxed: Whether each has a box; else it has a line.
        hidden: How many at the end have no room.
    """

    columns: int
    heights: tuple[int, ...]
    boxed: bool = True
    hidden: int = 0


def lay_out(
    counts: Sequence[int], width: int, height: int, wants: Sequence[Sequence[int]] | None = None
) -> list[Block]:
    """Gives each stage's panes their room; the last stage is the one that goes on.

    Boxes are shrunk before they become lines, those of stages that are over before those of the
    last one; what fits in no other way is hidden.

    Args:
        counts: How many panes each stage has.
        width: In cells.
        height: In rows, for all of them.
        wants: The height that each pane would like, for each stage; by default the last stage
            takes what there is.
    """
    boxes = [_columns(count, width, _BOX_WIDTH) for count in counts]
    lines = [_columns(count, width, _LINE_WIDTH) for count in counts]
    for boxed_from in range(len(counts) + 1):
        blocks = [
            _boxes(count, boxes[at]) if at >= boxed_from else _lines(count, lines[at])
            for at, count in enumerate(counts)
        ]
        if _height(blocks) <= height:
            return _grown(blocks, wants or _default(counts, height), height)
    return _cut([_lines(*each) for each in zip(counts, lines, strict=True)], counts, height)


def widths(columns: int, width: int) -> list[int]:
    """The width of each of so many columns, which fill the whole."""
    each, more = divmod(width, columns)
    return [each + (column < more) for column in range(columns)]


def _columns(count: int, width: int, least: int) -> int:
    """How many columns: as few as need no further row."""
    most = max(1, min(count, width // least))
    rows = -(-count // most)
    return -(-count // rows)


def _boxes(count: int, columns: int) -> Block:
    return Block(columns, (LEAST_BOX,) * -(-count // columns))


def _lines(count: int, columns: int) -> Block:
    return Block(columns, (1,) * -(-count // columns), boxed=False)


def _default(counts: Sequence[int], height: int) -> list[list[int]]:
    """A glance at the stages that are over, and the rest for the last one."""
    glances = [[_GLANCE] * count for count in counts]
    return [*glances[:-1], *([height] * count for count in counts[-1:])]


def _height(blocks: Sequence[Block]) -> int:
    return sum(sum(block.heights) for block in blocks)


def _grown(blocks: list[Block], wants: Sequence[Sequence[int]], height: int) -> list[Block]:
    """Hands out the rows that are left, one after the other, to whoever wants more."""
    free = height - _height(blocks)
    heights = [list(block.heights) for block in blocks]
    liked = [
        [max(want[row * block.columns : (row + 1) * block.columns]) for row in range(len(own))]
        if block.boxed
        else own
        for block, want, own in zip(blocks, wants, heights, strict=True)
    ]
    while free > 0:
        hungry = [
            (at, row)
            for at, own in enumerate(heights)
            for row, had in enumerate(own)
            if had < liked[at][row]
        ]
        if not hungry:
            break
        for at, row in hungry[:free]:
            heights[at][row] += 1
        free -= len(hungry)
    return [replace(block, heights=tuple(own)) for block, own in zip(blocks, heights, strict=True)]


def _cut(blocks: list[Block], counts: Sequence[int], height: int) -> list[Block]:
    """Lines as far as they go; the last stage has the first claim, and one row says the rest."""
    free = max(0, height - 1)
    kept: list[Block] = []
    for block, count in reversed(list(zip(blocks, counts, strict=True))):
        rows = min(free, len(block.heights))
        free -= rows
        hidden = max(0, count - rows * block.columns)
        kept.append(replace(block, heights=(1,) * rows, hidden=hidden))
    return kept[::-1]
