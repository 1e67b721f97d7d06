"""Stop strings, cut at every place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backend.chat.stops import StopFilter


def run(pieces: list[str], stops: list[str]) -> tuple[str, bool]:
    found = StopFilter(stops)
    text = "".join(found.feed(piece) for piece in pieces)
    return text + found.flush(), found.stopped


def test_a_stop_string_is_found_wherever_it_is_cut() -> None:
    text = "one END two"
    for first in range(len(text)):
        for second in range(first, len(text)):
            pieces = [text[:first], text[first:second], text[second:]]
            assert run(pieces, ["END"]) == ("one ", True)


def test_what_only_began_like_a_stop_string_is_passed_on() -> None:
    assert run(["a E", "N", "x E", "N"], ["END"]) == ("a ENx EN", False)


def test_text_is_not_held_back_longer_than_needed() -> None:
    found = StopFilter(["END"])
    assert found.feed("a E") == "a "
    assert found.feed("x") == "Ex"


def test_the_earliest_of_several_counts() -> None:
    assert run(["a", "b", "cd"], ["cd", "b", "nothing"]) == ("a", True)


def test_nothing_comes_after_the_end() -> None:
    found = StopFilter(["."])
    assert found.feed("a.b") == "a"
    assert found.feed("c") == ""
    assert found.flush() == ""


@given(st.text("ab", max_size=20), st.lists(st.text("ab", min_size=1, max_size=4), max_size=3))
def test_pieces_make_no_difference(text: str, stops: list[str]) -> None:
    cuts = [at for stop in stops if (at := text.find(stop)) >= 0]
    expected = text[: min(cuts)] if cuts else text
    letter_by_letter, stopped = run(list(text), stops)
    assert run([text], stops) == (expected, bool(cuts))
    assert stopped == bool(cuts)
    # Letter by letter the first stop string to be complete wins, which may begin later.
    assert letter_by_letter.startswith(expected)
    assert not any(stop in letter_by_letter for stop in stops)


def test_the_string_that_was_found_is_told() -> None:
    found = StopFilter(["END", "STOP"])
    assert found.feed("one ST") == "one "
    assert found.found is None
    assert found.feed("OP END") == ""
    assert found.found == "STOP"
