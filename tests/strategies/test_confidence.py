"""Confidence that answers state."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import council
from council.agents.scripted import ScriptedAgent
from council.errors import ConfigError
from council.strategies.confidence import LEAST, MOST, factors, stated, without_statement

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42. Confidence: 85%", 0.85),
        ("**Confidence:** 85 %", 0.85),
        ("My confidence is 0.85.", 0.85),
        ("confidence = .5", 0.5),
        ("Confidence level: 8/10", 0.8),
        ("Confidence score of 85/100", 0.85),
        ("confidence: 90 percent", 0.9),
        ("Confidence: 20%\nNo: confidence: 70%", 0.7),
        ("Confidence: 1.0", 1.0),
        ("Confidence: 100%", 1.0),
        ("Confidence: 8", None),
        ("Confidence: 1", None),
        ("Confidence: 140%", None),
        ("Confidence: 12/10", None),
        ("Confidence: 1.5", None),
        ("confidence: high", None),
        ("85%", None),
        ("", None),
    ],
)
def test_what_is_stated(text: str, value: float | None) -> None:
    assert stated(text) == (None if value is None else pytest.approx(value))


def test_a_statement_is_no_part_of_the_answer() -> None:
    assert without_statement("It is 42.\nConfidence: 85%") == "It is 42."
    assert without_statement("Confidence: 8/10\n42") == "42"
    assert without_statement("It is 42 with high confidence.") == "It is 42 with high confidence."


@given(st.lists(st.none() | st.integers(0, 100), max_size=8))
def test_weights_stay_within_bounds_and_keep_their_order(values: list[int | None]) -> None:
    texts = ["42" if value is None else f"42\nConfidence: {value}%" for value in values]
    found = factors(texts)
    assert len(found) == len(texts)
    assert all(LEAST <= factor <= MOST for factor in found)
    known = sorted((v, f) for v, f in zip(values, found, strict=True) if v is not None)
    assert [factor for _, factor in known] == sorted(factor for _, factor in known)
    assert all(f == 1.0 for v, f in zip(values, found, strict=True) if v is None)


async def ask(*texts: str, **options: Any) -> council.Result:
    panel = [ScriptedAgent(id, text) for id, text in zip("abc", texts, strict=False)]
    extract = {"kind": "number", "confidence": True}
    strategy = {"name": "vote", "extract": extract, **options}
    return await council.ask("What is 17 + 25?", panel=panel, strategy=strategy)


async def test_a_confident_answer_weighs_more_and_is_told() -> None:
    result = await ask("41\nConfidence: 20%", "42\nConfidence: 90%")
    assert result.votes is not None
    assert (result.votes.winner, result.votes.tie) == ("42", False)
    weights = {position.value: position.weight for position in result.votes.positions}
    assert weights == {"42": 1.5, "41": 0.5}
    assert any("2 of 2 answers state a confidence" in warning for warning in result.warnings)
    assert any("no probability" in warning for warning in result.warnings)


async def test_a_majority_outvotes_one_that_is_merely_sure() -> None:
    # Of two against one, the one needs more than the bounds allow.
    result = await ask("41\nConfidence: 100%", "42\nConfidence: 80%", "42\nConfidence: 80%")
    assert result.answer == "42\nConfidence: 80%"
    result = await ask("41", "42", "42")
    assert result.votes is not None
    assert [position.weight for position in result.votes.positions] == [2.0, 1.0]


async def test_weights_that_later_answers_change_allow_no_early_stop() -> None:
    with pytest.raises(ConfigError, match=r"adaptive needs weights that no later answer changes"):
        await ask("42", adaptive=True)
