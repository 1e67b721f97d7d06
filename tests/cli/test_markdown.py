"""The answer on a terminal: Markdown, of which no word is lost."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from council.cli.markdown import rendered


def lines(text: str, width: int = 60) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    return rendered(text, console).splitlines()


def styled(text: str) -> str:
    console = Console(
        file=io.StringIO(), width=60, force_terminal=True, color_system="standard", no_color=False
    )
    return rendered(text, console)


@pytest.mark.parametrize(
    "text",
    [
        "42",
        "7.",
        "- 5",
        "# 3",
        "2*3*4 = 24",
        "snake_case_name",
        "Use <div> and </div>, not <!-- this -->",
        "a\nb\nc",
        "said in [1].\n\n[1]: https://example.org/source",
        "x <y> z & w",
    ],
)
def test_what_is_no_markdown_stays(text: str) -> None:
    assert lines(text) == text.splitlines()


def test_markdown_is_shown() -> None:
    assert lines("## Why\n\nBecause of **air**.\n\n- one\n- two") == [
        "Why",
        "",
        "Because of air.",
        "",
        " • one",
        " • two",
    ]
    assert " a  b" in lines("so:\n```\na  b\n```")
    assert " 1  2" in lines("| x | y |\n|---|---|\n| 1 | 2 |")
    assert styled("so **bold**") == "so \x1b[1mbold\x1b[0m"


def test_addresses_are_not_hidden() -> None:
    told = lines("see [here](https://example.org/a) and ![x](https://example.org/b.png)", 99)
    assert told == ["see here (https://example.org/a) and !x (https://example.org/b.png)"]
    assert "\x1b]8" not in styled("[here](https://example.org/a)")


def test_control_characters_do_nothing() -> None:
    assert "\x1b[2J" not in styled("\x1b[2J**x**\x1b]0;title\x07")


@given(st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1, max_size=60))
def test_every_word_comes_out(words: list[str]) -> None:
    assert re.findall(r"\w+", " ".join(lines(" ".join(words), 20))) == words


@given(st.text(max_size=300))
def test_any_text_can_be_shown(text: str) -> None:
    for line in lines(text):
        assert "\x1b" not in line
