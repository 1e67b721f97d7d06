"""Options of models on the command line: what they become, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.cli import parse
from backend.errors import UsageError
from backend.options import Lora, Options
from backend.settings import Settings


def parsed(*arguments: str) -> Settings:
    return parse(["--model", "a.gguf", *arguments])


def test_without_any_the_defaults_are_those_of_the_options() -> None:
    assert parsed().options == Options()


def test_each_option_arrives() -> None:
    line = (
        "--threads-batch 3 --batch 256 --ubatch 64 --flash-attention on --cache-type-k q8_0"
        " --cache-type-v q4_0 --kv-unified off --no-mmap --mlock --rope-scaling yarn"
        " --rope-scale 4 --rope-base 10000.5 --yarn-ctx 8192 --pooling last"
    )
    assert parsed(*line.split()).options == Options(
        threads_batch=3,
        batch=256,
        ubatch=64,
        flash_attention="on",
        cache_type_k="q8_0",
        cache_type_v="q4_0",
        unified="off",
        mmap=False,
        mlock=True,
        rope_scaling="yarn",
        rope_scale=4.0,
        rope_base=10000.5,
        yarn_ctx=8192,
        pooling="last",
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--threads-batch 2000", "--threads-batch must be between 0 and 1024, not 2000"),
        ("--batch -1", "--batch must be between 0 and"),
        ("--batch 4 --parallel 8", "--batch must be at least --parallel, 8, not 4"),
        ("--batch 64 --ubatch 65", "--ubatch 65 must not exceed --batch 64"),
        ("--flash-attention off --cache-type-v q8_0", "--cache-type-v q8_0 needs flash attention"),
        ("--rope-scaling none --rope-scale 2", "--rope-scale says how far"),
        ("--rope-scale -1", "--rope-scale must be greater than 0, not -1"),
        ("--rope-base nan", "--rope-base must be greater than 0, not nan"),
        ("--rope-scale inf", "--rope-scale must be greater than 0, not inf"),
        ("--lora :0.5", "expected PATH or PATH:SCALE"),
        ("--lora x.gguf:inf", "the scale must be a finite number"),
        ("--model b.gguf --lora x.gguf", "say for which model: MODEL=PATH, with one of a, b"),
        ("--model b.gguf --lora c=x.gguf", "say for which model: MODEL=PATH, with one of a, b"),
    ],
)
def test_what_cannot_be_names_the_option(line: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(*line.split())
    assert told in str(caught.value)


@pytest.mark.parametrize("option", ["--flash-attention", "--cache-type-k", "--pooling"])
def test_a_wrong_choice_lists_the_right_ones(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        parsed(option, "wrong")
    said = capsys.readouterr().err
    assert option in said
    assert "choose from" in said


def test_an_adapter_of_the_only_model() -> None:
    (spec,) = parsed("--lora", "x.gguf", "--lora", "dir/y.gguf:0.5").models
    assert spec.loras == (Lora("x.gguf"), Lora("dir/y.gguf", 0.5))


def test_adapters_of_several_models() -> None:
    line = "--model b.gguf=org/b --lora org/b=x.gguf:-2 --lora a=y.gguf --lora a=z.gguf"
    first, second = parsed(*line.split()).models
    assert first.loras == (Lora("y.gguf"), Lora("z.gguf"))
    assert second.loras == (Lora("x.gguf", -2.0),)


def test_a_file_whose_name_looks_like_a_scale(tmp_path: Path) -> None:
    path = tmp_path / "lora:2"
    path.touch()
    assert parsed("--lora", str(path)).models[0].loras == (Lora(str(path)),)
    assert parsed("--lora", f"{path}:3").models[0].loras == (Lora(str(path), 3.0),)
