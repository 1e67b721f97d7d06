"""What is read out of a written answer of those who disagree."""

from __future__ import annotations

import pytest

from council.strategies.minority import minority_report, without_report

WRITTEN = "The capital is Tokyo.\n\n**Dissent:** One said Kyoto.\nIt was, once."


def test_the_answer_and_the_report_are_told_apart() -> None:
    assert minority_report(WRITTEN) == "One said Kyoto.\nIt was, once."
    assert without_report(WRITTEN) == "The capital is Tokyo.\n"


@pytest.mark.parametrize("text", ["Tokyo.", "He noted his dissent: no.", ""])
def test_without_one(text: str) -> None:
    assert minority_report(text) == ""
    assert without_report(text) == text


def test_a_report_that_repeats_the_answer_is_none() -> None:
    assert minority_report("It is Tokyo.\n\nDissent: it is Tokyo.") == ""
