"""What a model's file says of the memory it needs, and sizes on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import pytest

from backend import builtin
from backend.cli import parse
from backend.engine.messages import Load
from backend.errors import UsageError
from backend.gguf import HeaderError, parts_of, read_header
from backend.memory import needed
from backend.options import Lora, Options
from backend.settings import Room, parse_size
from tests.backend.encoder_model import write_encoder
from tests.backend.lora import write_lora

EMPTY = needed(Load("/no/such/file.gguf", 4096, 8, 1, 0))


def size(path: Path, ctx: int = 4096, **options: Any) -> int:
    """Bytes beyond those of an empty worker and the weights."""
    load = Load(str(path), ctx, 8, 1, 0, Options(**options))
    return needed(load) - EMPTY - path.stat().st_size


def header(path: Path, **facts: object) -> Path:
    """A file with a header and no weights."""
    writer = gguf.GGUFWriter(str(path), "llama")
    for name, value in facts.items():
        key = f"llama.{name.replace('__', '.')}"
        if isinstance(value, list):
            writer.add_array(key, value)
        else:
            writer.add_uint32(key, int(str(value)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def test_the_cache_grows_with_the_context_and_the_type(models: Path) -> None:
    path = models / "bytes.gguf"
    # 2 layers, 64 numbers in keys and in values, 2 bytes each.
    assert size(path, ctx=1000) == 1000 * 2 * (64 + 64) * 2
    assert size(path, ctx=1000, cache_type_k="f32") == 1000 * 2 * (64 * 4 + 64 * 2)
    assert size(path, ctx=32, cache_type_v="q8_0") == 32 * 2 * 64 * 2 + 2 * 64 * 34


def test_grouped_heads_store_less(tmp_path: Path) -> None:
    facts: dict[str, object] = {
        "block_count": 3,
        "embedding_length": 64,
        "attention__head_count": 8,
        "attention__head_count_kv": 2,
    }
    path = header(tmp_path / "grouped.gguf", **facts)
    assert size(path, ctx=100) == 100 * 3 * 2 * (8 + 8) * 2
    facts |= {"attention__key_length": 16, "attention__value_length": 4}
    path = header(tmp_path / "lengths.gguf", **facts)
    assert size(path, ctx=100) == 100 * 3 * 2 * (16 + 4) * 2
    path = header(tmp_path / "layers.gguf", **facts | {"attention__head_count_kv": [1, 2, 0]})
    assert size(path, ctx=100) == 100 * 3 * (16 + 4) * 2


def test_an_encoder_has_no_cache(tmp_path: Path) -> None:
    assert size(write_encoder(tmp_path / "encoder.gguf")) == 0


def test_adapters_count(models: Path, tmp_path: Path) -> None:
    path, lora = models / "bytes.gguf", write_lora(tmp_path / "lora.gguf")
    with_lora = size(path, loras=(Lora(str(lora)),))
    assert with_lora == size(path) + lora.stat().st_size


def test_a_model_in_several_files(tmp_path: Path) -> None:
    first = tmp_path / "m-00001-of-00003.gguf"
    assert [part.name for part in parts_of(first)] == [
        "m-00001-of-00003.gguf",
        "m-00002-of-00003.gguf",
        "m-00003-of-00003.gguf",
    ]
    for part, length in zip(parts_of(first), (10, 20, 30), strict=True):
        part.write_bytes(b"x" * length)
    assert needed(Load(str(first), 4096, 8, 1, 0)) == EMPTY + 60


def test_headers_of_real_models_are_read() -> None:
    for name in builtin.names():
        found = read_header(builtin.path(name))
        assert found["general.architecture"] == "llama"
        assert found["llama.block_count"] > 0
        assert found["tokenizer.ggml.tokens"] is None


@pytest.mark.parametrize("length", [0, 3, 4, 12, 23, 24, 40, 200, 1000])
def test_damaged_headers_are_told(models: Path, tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes((models / "bytes.gguf").read_bytes()[:length])
    with pytest.raises(HeaderError):
        read_header(path)
    # The size of the file is all that is left to go by.
    assert size(path) == 0


def test_a_header_of_endless_lists_is_told(tmp_path: Path) -> None:
    path = tmp_path / "deep.gguf"
    nested = (9).to_bytes(4, "little") + (1).to_bytes(8, "little")
    start = b"GGUF" + (3).to_bytes(4, "little") + (0).to_bytes(8, "little")
    key = (1).to_bytes(8, "little") + (1).to_bytes(8, "little") + b"k"
    path.write_bytes(start + key + (9).to_bytes(4, "little") + nested * 100_000)
    with pytest.raises(HeaderError):
        read_header(path)


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("0", 0), ("1000", 1000), ("8G", 8 << 30), ("1.5k", 1536), ("512MiB", 512 << 20)],
)
def test_sizes(text: str, bytes_: int) -> None:
    assert parse_size("--x", text) == bytes_


@pytest.mark.parametrize("text", ["", "G", "-1", "8 X", "8GG", "one", "9" * 400])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError, match="--x must be bytes, or a size like"):
        parse_size("--x", text)


def test_room_on_the_command_line() -> None:
    assert parse(["--model", "a.gguf"]).room == Room()
    arguments = ["--model", "a.gguf", "--models-max", "2", "--models-max-memory", "8G"]
    assert parse(arguments).room == Room(models=2, memory=8 << 30)
    with pytest.raises(UsageError, match="--models-max must be between"):
        parse(["--model", "a.gguf", "--models-max", "-1"])
