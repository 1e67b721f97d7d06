"""Model options on real llama.cpp: what each of them does, and why a model cannot be loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backend.engine.llama import Context, LlamaError, Model, NativeLog, Outcome
from backend.engine.messages import Load, Sampling
from backend.engine.plan import Chunk
from backend.options import Lora, Options
from tests.backend.lora import write_lora
from tests.backend.random_model import Shape, write_model

PROMPT = tuple(range(65, 105))


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose heads are wide enough for quantized caches."""
    return write_model(tmp_path_factory.mktemp("wide") / "wide.gguf", Shape(width=128))


def opened(
    path: Path, log: NativeLog, *, ctx: int = 1024, parallel: int = 4, **options: Any
) -> Any:
    load = Load(str(path), ctx, parallel, 1, 0, Options(**options))
    return Context(Model(load, log, lambda _: None), load, log)


def first_tokens(context: Any) -> list[int]:
    """The first tokens of the likeliest answer."""
    sampler = context.sampler(Sampling(temperature=0))
    tokens, start, found = PROMPT, 0, []
    for _ in range(8):
        assert context.decode([Chunk(0, 0, start, tokens, True)]) is Outcome.DONE
        found.append(sampler.sample(len(tokens) - 1))
        start, tokens = start + len(tokens), (found[-1],)
    sampler.close()
    return found


@pytest.mark.parametrize(
    "options",
    [
        {"mmap": False},
        {"mlock": True},
        {"mmap": False, "mlock": True},
        {"threads_batch": 2},
        {"flash_attention": "off"},
        {"flash_attention": "on"},
        {"unified": "off"},
        {"batch": 64, "ubatch": 7},
        {"cache_type_k": "f32", "cache_type_v": "f32"},
        {"cache_type_k": "q8_0", "cache_type_v": "q8_0"},
    ],
)
def test_how_it_is_computed_changes_no_answer(
    wide: Path, log: NativeLog, options: dict[str, Any]
) -> None:
    assert first_tokens(opened(wide, log, **options)) == first_tokens(opened(wide, log))


@pytest.mark.parametrize("options", [{"rope_scale": 4.0}, {"rope_base": 100.0}])
def test_positions_change_the_answer(wide: Path, log: NativeLog, options: dict[str, Any]) -> None:
    assert first_tokens(opened(wide, log, **options)) != first_tokens(opened(wide, log))


@pytest.mark.parametrize("cache", ["q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"])
def test_every_cache_type_works(wide: Path, log: NativeLog, cache: str) -> None:
    assert len(first_tokens(opened(wide, log, cache_type_k=cache, cache_type_v=cache))) == 8


def test_batches(wide: Path, log: NativeLog) -> None:
    assert opened(wide, log).limits.batch == 512
    assert opened(wide, log, batch=64).limits.batch == 64
    # A token for each request has to fit.
    assert opened(wide, log, batch=64, parallel=65).limits.batch == 65


def test_one_buffer_for_all_or_one_for_each(wide: Path, log: NativeLog) -> None:
    shared, parted = opened(wide, log, unified="on"), opened(wide, log, unified="off")
    assert (shared.limits.share, shared.request_limit) == (True, 1024)
    assert (parted.limits.share, parted.request_limit) == (True, 256)


def test_a_stretched_context_takes_longer_chats(tmp_path: Path, log: NativeLog) -> None:
    short = write_model(tmp_path / "short.gguf", Shape(ctx=96))
    assert opened(short, log).request_limit == 96
    stretched = opened(short, log, rope_scaling="yarn", rope_scale=4.0, yarn_ctx=96)
    assert stretched.request_limit == 384


def test_an_adapter_changes_the_answer_by_its_scale(
    models: Path, tmp_path: Path, log: NativeLog
) -> None:
    model = models / "bytes.gguf"
    path = str(write_lora(tmp_path / "lora.gguf"))
    plain = first_tokens(opened(model, log))
    assert first_tokens(opened(model, log, loras=(Lora(path, 0.0),))) == plain
    once = first_tokens(opened(model, log, loras=(Lora(path),)))
    assert once != plain
    halves = (Lora(path, 0.5), Lora(path, 0.5))
    assert first_tokens(opened(model, log, loras=halves)) == once


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ({"architecture": "qwen2"}, "lora.gguf: it was made for another architecture"),
        ({"width": 32}, "lora.gguf: it was made for another model"),
        ({"tensor": "blk.9.attn_q"}, "lora.gguf: it was made for another model"),
    ],
)
def test_a_wrong_adapter(
    models: Path, tmp_path: Path, log: NativeLog, made: dict[str, Any], told: str
) -> None:
    path = write_lora(tmp_path / "lora.gguf", **made)
    with pytest.raises(LlamaError, match=told):
        opened(models / "bytes.gguf", log, loras=(Lora(str(path)),))


def test_what_is_no_adapter(models: Path, tmp_path: Path, log: NativeLog) -> None:
    model = models / "bytes.gguf"
    with pytest.raises(LlamaError, match=r"bytes.gguf: it is no LoRA adapter"):
        opened(model, log, loras=(Lora(str(model)),))
    with pytest.raises(LlamaError, match=r"none.gguf: there is no such file"):
        opened(model, log, loras=(Lora(str(tmp_path / "none.gguf")),))


def test_a_cache_type_that_does_not_suit_the_model(models: Path, log: NativeLog) -> None:
    with pytest.raises(LlamaError, match="--cache-type-k does not suit this model: choose f16"):
        opened(models / "bytes.gguf", log, cache_type_k="q8_0")
    with pytest.raises(LlamaError, match="--cache-type-v does not suit this model: choose f16"):
        opened(models / "bytes.gguf", log, cache_type_v="q8_0")


def test_not_enough_memory(tmp_path: Path, log: NativeLog) -> None:
    # 4 KiB of cache for each of 16 million tokens.
    large = write_model(tmp_path / "large.gguf", Shape(width=512))
    with pytest.raises(LlamaError, match=r"not enough memory: choose a smaller --ctx.*MB"):
        opened(large, log, ctx=1 << 24, parallel=1)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b"llama", b"lamma", "does not know its architecture .*'lamma'"),
        (b"gpt2", b"gpt9", "does not know its tokenizer .*'gpt9'"),
        (b"attn_q.", b"attn_x.", "weights are not those it announces"),
    ],
)
def test_a_file_that_is_not_known(
    models: Path, tmp_path: Path, log: NativeLog, old: bytes, new: bytes, told: str
) -> None:
    content = (models / "bytes.gguf").read_bytes()
    changed = tmp_path / "changed.gguf"
    changed.write_bytes(content.replace(old, new))
    with pytest.raises(LlamaError, match=told):
        opened(changed, log)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_file_that_is_cut(models: Path, tmp_path: Path, log: NativeLog, share: float) -> None:
    content = (models / "bytes.gguf").read_bytes()
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(LlamaError, match="incomplete or damaged: fetch it again"):
        opened(cut, log)
