"""What a picture of a run says, and that its borders hold whatever models write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from council.cli.view.frame import Frame
from council.cli.view.pane import SCREENFUL
from council.cli.view.tame import last_words, tame
from council.events import (
    Event,
    ExpertCancelled,
    ExpertNotice,
    RoundStarted,
    RunFinished,
    StrategyStandIn,
    ToolCalled,
    ToolReturned,
)
from council.messages import Usage
from council.prices import Price
from council.replies import Reply, Timings, label_of
from council.result import Result
from tests.support.boards import (
    asked,
    began,
    board_of,
    drawn,
    failed,
    finished,
    plain_console,
    texts,
    thought,
    written,
)


def footer(events: list[Event], width: int = 60) -> str:
    """What the one pane's lower border says."""
    return drawn(events, width, 6)[-1].strip("╰╯─ ")


def test_each_state_is_said() -> None:
    start: list[Event] = [began("ada"), asked("ada")]
    assert footer(start) == "○ waiting"
    assert footer([*start, ExpertNotice(1, "ada", 0, "answer", "loading", "loading x: 50%")]) == (
        "○ loading x: 50%"
    )
    assert footer([*start, thought("ada", "hmm")]) == "◐ thinking · ~1 tok"
    assert footer([*start, written("ada", "It")]) == "● writing · ~1 tok"
    called = ToolCalled(1, "ada", 0, "answer", "c1", "add", "{}")
    assert footer([*start, written("ada", "It"), called]) == "◆ calls add · ~1 tok"
    returned = ToolReturned(2, "ada", 0, "answer", "c1", "add", "42", False, 0.25)
    assert footer([*start, called, returned]) == "◆ add returned after 0.2 s"
    assert footer([*start, finished("ada", "It is 42.")]) == "✓ done · 40 tok · 20/s · 2.5 s"
    assert footer([*start, failed("ada", "It", "cut")]) == "✗ failed · 0.3 s"
    stopped = Reply(
        "ada", "m", 0, "answer", "cancelled", "It", "", None, None, None, Timings(None, 1.0)
    )
    assert footer([*start, ExpertCancelled(1, "ada", 0, stopped)]) == "– cancelled · 1.0 s"


def test_tokens_per_second_are_those_of_writing() -> None:
    tokens = [written("ada", "word ", at=10 + number / 20) for number in range(41)]
    assert footer([began("ada"), *tokens]) == "● writing · ~51 tok · 25/s"
    assert footer([began("ada"), *tokens[:3]]) == "● writing · ~3 tok · 20/s"


def test_figures_give_way_in_a_narrow_pane() -> None:
    events: list[Event] = [began("ada"), finished("ada", "It is 42.")]
    assert footer(events, 36) == "✓ done · 40 tok · 20/s · 2.5 s"
    assert footer(events, 34) == "✓ 40 tok · 20/s · 2.5 s"
    assert footer(events, 24) == "✓ 40 tok · 20/s"


def test_costs_are_shown_where_prices_are_known() -> None:
    board = board_of([])
    board.prices = {"ada": Price(1.0, 10.0), "bob": None}
    usage = Usage(1000, 500)
    for event in (began("ada", "bob"), finished("ada", "42", usage=usage), finished("bob", "42")):
        board.take(event)
    lines = texts(Frame(plain_console(120, 8)).live(board.shown(), 120, 8, 3.0))
    assert lines[0].split("  ")[-1].strip() == "vote · answer 2/2 · $0.006 · 3.0 s"
    ada, bob = lines[-1].split("╯╰")
    assert "500 tok · $0.006" in ada
    assert "$" not in bob


def test_thinking_is_shown_until_there_is_text() -> None:
    thinking: list[Event] = [began("ada"), thought("ada", "let me see")]
    assert "let me see" in "\n".join(drawn(thinking, 60, 8))
    shown = "\n".join(drawn([*thinking, written("ada", "It is")], 60, 8))
    assert "let me see" not in shown
    assert "It is" in shown


def test_a_failure_says_its_cause_below_the_text() -> None:
    lines = drawn([began("ada"), failed("ada", "It is", "the connection was lost")], 60, 8)
    at = next(number for number, line in enumerate(lines) if "It is" in line)
    assert "the connection was lost" in lines[at + 1]
    low = drawn([began("ada"), failed("ada", "It is", "the connection was lost " * 9)], 60, 4)
    assert low[-2].startswith("│ the connection was lost")


def test_a_writer_has_a_pane_of_its_own_in_its_stage() -> None:
    events: list[Event] = [
        began("ada", "bob"),
        finished("ada", "41"),
        finished("bob", "42"),
        asked("chair", stage="synthesis"),
        written("chair", "It is 42.", stage="synthesis"),
    ]
    lines = drawn(events, 80, 20)
    assert "synthesis 0/1" in lines[0]
    title = next(line for line in lines if "chair (synthesis)" in line)
    assert cell_len(title) == 80
    assert lines.index(title) < 8  # the experts have shrunk


def test_stand_ins_and_rounds_have_rows() -> None:
    stand_in = StrategyStandIn(1.0, "ada", "bob", "HTTP 500")
    lines = drawn([began("ada", "bob"), RoundStarted(0, 0), stand_in], 80, 12)
    assert lines[-2].split() == ["round", "0", "each", "for", "itself"]
    assert lines[-1].strip() == "stand-in  bob takes over: ada failed (HTTP 500)"


@pytest.mark.parametrize("samples", [1, 3])
def test_nine_experts_fit_on_24_rows(samples: int) -> None:
    ids = [f"expert-{number}" for number in range(1, 10)]
    seats = [(id, sample) for id in ids for sample in range(samples)]
    events: list[Event] = [began(*ids, samples=samples)]
    events += [written(id, "It is", sample=sample) for id, sample in seats]
    lines = drawn(events, 80, 24)
    assert len(lines) <= 24
    whole = "\n".join(lines)
    assert whole.count("● ") == whole.count("It is") == len(seats)
    for id, sample in seats:
        assert whole.count(f" {label_of(id, sample)} ") == 1


def test_those_without_room_are_counted_and_those_at_work_are_not_among_them() -> None:
    ids = [f"e{number}" for number in range(40)]
    events: list[Event] = [
        began(*ids),
        *(finished(id, "42") for id in ids[:30]),
        written("e39", "at work"),
    ]
    lines = drawn(events, 60, 20)
    assert len(lines) == 20
    assert any("at work" in line for line in lines)
    assert lines[-1].strip() == "and 22 more: 13 done, 9 waiting"


def test_who_was_never_asked_is_said_at_the_end() -> None:
    result = Result(
        "r", "?", "42", "complete", (), "vote", (), None, None, None, (), Usage(), (), 1.0, None
    )
    board = board_of([began("ada", "bob"), finished("ada", "42"), RunFinished(1.0, result)])
    lines = texts(Frame(plain_console(80, 24)).final(board.shown(), 80, 24))
    assert "– not asked" in lines[-1]
    # No higher than the text needs.
    assert len(lines) == 3


HOSTILE = [
    "日本語のテキスト" * 9,
    "שלום עולם " * 20,
    "\u202eabc\u2066def\u200f",
    "e\u0301\u0302\u0303\u0304\u0305\u0306\u0307" * 30,
    "👩‍👩‍👧‍👦❤️🇩🇪" * 20,
    "\x1b[2J\x1b]0;title\x07\x9b31m\x08\x08\x08",
    "a\tb\r\nc\x0bd\x0ce\x85f\u2028g\u2029h",
    "\ud800 alone",
    "x" * 500,
    "",
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
@pytest.mark.parametrize("size", [(100, 24), (60, 10), (40, 12), (31, 5)], ids=str)
def test_no_text_breaks_a_border(number: int, size: tuple[int, int]) -> None:
    text = HOSTILE[number]
    events: list[Event] = [
        began("ada", "bob", question=text),
        written("ada", text),
        thought("bob", text),
        failed("eve" + text[:9], "", text),
    ]
    lines = drawn(events, *size)
    assert len(lines) <= size[1]
    for line in lines[1:]:
        assert cell_len(line) == size[0], line
        assert line[0] in "╭│╰" or size[1] < 12
        assert line[-1] in "╮│╯" or size[1] < 12


@given(st.text(), st.text(), st.integers(1, 200), st.integers(1, 60))
def test_any_text_fits_any_terminal(text: str, cause: str, width: int, height: int) -> None:
    events: list[Event] = [
        began("a", text[:9], question=text),
        written("a", text),
        failed("b", text, cause),
    ]
    lines = drawn(events, width, height)
    assert len(lines) <= height
    assert all(cell_len(line) <= width for line in lines)


@given(st.text())
def test_a_tamed_text_obeys_nothing(text: str) -> None:
    tamed = tame(text)
    assert not any(ord(sign) < 32 and sign != "\n" for sign in tamed)
    assert not set(tamed) & set("\x7f\x9b\u202e\u2066\u2028\ud800")


@pytest.mark.parametrize(
    ("width", "expected"),
    [(-3, ""), (0, ""), (1, "…"), (6, "…is 42"), (9, "It is 42"), (7, "… is 42")],
)
def test_the_end_of_a_text_on_a_line(width: int, expected: str) -> None:
    assert last_words("It\nis 42", width) == expected


def test_a_wide_letter_that_is_cut_leaves_no_half() -> None:
    assert last_words("日本語", 4) == "…語"


def test_a_long_text_keeps_what_a_screen_can_show() -> None:
    board = board_of([began("ada"), *[written("ada", "word " * 100) for _ in range(1000)]])
    ((pane,),) = board.shown().stages
    assert len(pane.text) == SCREENFUL
