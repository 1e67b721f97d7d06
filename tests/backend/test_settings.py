"""Model specs and bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend import builtin
from backend.errors import UsageError
from backend.settings import PORT, ModelSpec, parse_spec, parse_specs


def test_the_id_is_the_alias_or_the_stem() -> None:
    assert parse_spec("a/b.gguf") == ModelSpec("b", Path("a/b.gguf"))
    assert parse_spec("a/b.gguf=c/d") == ModelSpec("c/d", Path("a/b.gguf"))


def test_the_last_equals_sign_splits() -> None:
    assert parse_spec("a=b.gguf=c") == ModelSpec("c", Path("a=b.gguf"))


def test_a_file_whose_name_has_an_equals_sign_wins(tmp_path: Path) -> None:
    path = tmp_path / "a=b.gguf"
    path.touch()
    assert parse_spec(str(path)) == ModelSpec("a=b", path)


def test_builtin_models_are_known_by_name() -> None:
    name = builtin.names()[0]
    assert parse_spec(f"builtin:{name}") == ModelSpec(f"builtin:{name}", builtin.path(name))
    assert parse_spec(f"builtin:{name}=x") == ModelSpec("x", builtin.path(name))


def test_an_unknown_builtin_model_names_those_there_are() -> None:
    with pytest.raises(UsageError, match=f"builtin:{builtin.names()[0]}"):
        parse_spec("builtin:nobody")


@pytest.mark.parametrize("text", ["", "=x", "a.gguf="])
def test_a_spec_with_an_empty_part_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected PATH"):
        parse_spec(text)


def test_ids_must_differ() -> None:
    with pytest.raises(UsageError, match="'b'"):
        parse_specs(["a/b.gguf", "c/b.gguf"])
    assert [spec.id for spec in parse_specs(["a/b.gguf", "c/b.gguf=d"])] == ["b", "d"]


def test_bounds_name_the_option() -> None:
    assert PORT.check(0) == 0
    with pytest.raises(UsageError, match="--port must be between 0 and 65535, not 70000"):
        PORT.check(70000)
