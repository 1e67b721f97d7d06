"""Text from bytes that are cut anywhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backend.chat.text import TextAssembler


def run(pieces: list[bytes], stops: list[str]) -> str:
    text = TextAssembler(stops)
    return "".join(text.feed(piece) for piece in pieces) + text.finish()


@given(st.text(max_size=30), st.data())
def test_characters_survive_any_cut(text: str, data: st.DataObject) -> None:
    raw = text.encode()
    cut = data.draw(st.integers(0, len(raw)))
    assert run([raw[:cut], raw[cut:]], []) == text
    assert run([bytes([byte]) for byte in raw], []) == text


def test_only_whole_characters_are_passed_on() -> None:
    text = TextAssembler()
    assert [text.feed(bytes([byte])) for byte in "é€".encode()] == ["", "é", "", "", "€"]


def test_an_incomplete_character_at_the_end_becomes_a_mark() -> None:
    assert run(["a€".encode()[:-1]], []) == "a\ufffd"


def test_bytes_that_are_no_text_become_marks() -> None:
    assert run([b"a\xff", b"b"], []) == "a\ufffdb"


def test_a_stop_string_cut_inside_a_character_is_found() -> None:
    assert run([b"a \xe2\x82", b"\xac b"], ["€"]) == "a "


def test_a_text_that_ends_at_a_stop_string_has_no_rest() -> None:
    text = TextAssembler(["."])
    assert text.feed(b"a.\xe2") == "a"
    assert text.stopped
    assert text.finish() == ""
