"""Long texts are tokenized in parts, which must not show in the tokens."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend import builtin
from backend.engine.llama import Model, NativeLog
from backend.engine.llama.pieces import LONGEST, pieces
from backend.engine.messages import Load
from tests.backend.serving import ROOT

TEXT = (ROOT / "README.md").read_text() + (ROOT / "ARCHITECTURE.md").read_text()


@pytest.mark.parametrize("longest", [10, 100, 1000, LONGEST])
@pytest.mark.parametrize("text", ["", "a", TEXT, "1" * 5000, " " * 5000, "a b\n" * 5000])
def test_parts_make_the_text(text: str, longest: int) -> None:
    parts = list(pieces(text, longest))
    assert "".join(parts) == text
    assert max(map(len, parts)) <= longest


def test_a_part_ends_between_words() -> None:
    assert list(pieces("one two three", 10)) == ["one two", " three"]
    assert list(pieces("one two\nthree", 10)) == ["one two\n", "three"]
    assert list(pieces("one  two", 6)) == ["one  t", "wo"]  # several spaces are one token


@pytest.fixture(scope="module", params=["random", "trained"])
def model(models: Path, request: pytest.FixtureRequest) -> Model:
    """One of two models with tokenizers of their own."""
    path = models / "bytes.gguf" if request.param == "random" else builtin.path("sage")
    return Model(Load(str(path), 512, 1, 1, 0), NativeLog(), lambda _: None)


def test_parts_have_the_tokens_of_the_whole(model: Model) -> None:
    assert len(TEXT) > 2 * LONGEST
    whole = model._native(TEXT, add_special=False, parse_special=True)
    assert model.tokenize(TEXT)[-len(whole) :] == whole
    assert model.tokenize_text(TEXT)[-len(whole) :] == whole


def test_counting_ends_where_it_is_enough(model: Model) -> None:
    count = len(model.tokenize(TEXT))
    assert 100 <= len(model.tokenize(TEXT, enough=100)) < count
    assert len(model.tokenize(TEXT, enough=count + 1)) == count
