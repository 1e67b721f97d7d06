"""Where panes go, for every number of them and every size of a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from council.cli.view.layout import LEAST_BOX, Block, lay_out, widths


@pytest.mark.parametrize(
    ("count", "width", "columns"),
    [
        (3, 100, 3),
        (4, 100, 2),  # two rows of two, not three and one
        (9, 100, 3),
        (9, 80, 2),
        (3, 60, 2),
        (3, 59, 1),
        (1, 200, 1),
    ],
)
def test_boxes_stand_side_by_side(count: int, width: int, columns: int) -> None:
    (block,) = lay_out([count], width, 40)
    assert (block.columns, block.boxed, block.hidden) == (columns, True, 0)


def test_one_stage_takes_the_whole_height() -> None:
    assert lay_out([9], 100, 28) == [Block(3, (10, 9, 9))]


def test_a_stage_that_is_over_leaves_its_room_to_the_next() -> None:
    assert lay_out([3, 1], 100, 23) == [Block(3, (5,)), Block(1, (18,))]


def test_what_is_over_becomes_lines_before_what_goes_on_does() -> None:
    assert lay_out([9, 3], 60, 20) == [Block(1, (1,) * 9, boxed=False), Block(2, (6, 5))]
    assert lay_out([9, 3], 60, 12) == [
        Block(1, (1,) * 9, boxed=False),
        Block(1, (1,) * 3, boxed=False),
    ]


def test_what_fits_in_no_way_is_hidden_and_the_last_stage_comes_first() -> None:
    assert lay_out([9, 3], 60, 8) == [
        Block(1, (1,) * 4, boxed=False, hidden=5),
        Block(1, (1,) * 3, boxed=False),
    ]
    assert [block.hidden for block in lay_out([9, 3], 60, 1)] == [9, 3]


def test_boxes_are_no_higher_than_they_want_to_be() -> None:
    assert lay_out([3], 100, 30, [[4, 8, 3]]) == [Block(3, (8,))]


def test_nobody_needs_no_room() -> None:
    assert lay_out([], 100, 30) == []


SIZES = st.integers(1, 250)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), SIZES, SIZES)
def test_everything_fits_or_is_hidden(counts: list[int], width: int, height: int) -> None:
    blocks = lay_out(counts, width, height)
    hidden = sum(block.hidden for block in blocks)
    assert sum(sum(block.heights) for block in blocks) + (hidden > 0) <= height
    for count, block in zip(counts, blocks, strict=True):
        room = block.columns * len(block.heights)
        assert room >= count - block.hidden >= 0
        assert room - (count - block.hidden) < block.columns or not block.hidden
        assert all(each >= (LEAST_BOX if block.boxed else 1) for each in block.heights)


@given(st.integers(1, 20), SIZES)
def test_columns_fill_the_width(columns: int, width: int) -> None:
    wide = widths(columns, width)
    assert len(wide) == columns
    assert sum(wide) == width
    assert max(wide) - min(wide) <= 1
