"""The model that servers are measured with: random weights, but the size and shape of a real one.

It is made once and kept in the user's cache. Its vocabulary is trained on texts that come with
Python, so that prompts have as many tokens as they would have elsewhere. It only writes tokens of
printable ASCII and never ends its answer: so each reply has exactly the tokens asked for, and each
token is an event of the stream.
"""

from __future__ import annotations

import json
import os
import sysconfig
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import platformdirs

_START, _END = "<|im_start|>", "<|im_end|>"
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_BLOCK = 32  # values that share a scale in Q8_0
_RULED_OUT = -100.0


@dataclass(frozen=True, slots=True)
class Shape:
    """How the model is made; the default has 134 MB, of which a token reads 107."""

    layers: int = 12
    width: int = 768
    inner: int = 2048
    heads: int = 12
    heads_kv: int = 4
    vocabulary: int = 32_000
    ctx: int = 8192
    seed: int = 1


def model_file(shape: Shape = Shape()) -> Path:
    """The model's file, made if it is not there yet.

    Raises:
        SystemExit: A library that it takes to make it is missing.
    """
    recipe = sha256(Path(__file__).read_bytes() + json.dumps(asdict(shape)).encode())
    folder = platformdirs.user_cache_path("council") / "benchmarks"
    path = folder / f"random-{recipe.hexdigest()[:10]}.gguf"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        try:
            write_model(unfinished, shape)
            unfinished.rename(path)
        finally:
            unfinished.unlink(missing_ok=True)
    return path


def write_model(path: Path, shape: Shape) -> None:
    """Writes a model file; takes some ten seconds.

    Raises:
        SystemExit: A library is missing.
    """
    try:
        import gguf
    except ImportError as error:
        raise SystemExit("gguf is not installed: run 'scripts/setup dev'") from error
    writer = gguf.GGUFWriter(str(path), "llama")
    _write_facts(writer, shape)
    allowed = _write_vocabulary(writer, shape)
    quantized = gguf.GGMLQuantizationType.Q8_0
    for name, tensor in _tensors(shape, allowed):
        if tensor.ndim == 1:
            writer.add_tensor(name, tensor)
        else:
            writer.add_tensor(name, gguf.quants.quantize(tensor, quantized), raw_dtype=quantized)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_facts(writer: Any, shape: Shape) -> None:
    writer.add_context_length(shape.ctx)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads_kv)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(7)  # mostly Q8_0


def _write_vocabulary(writer: Any, shape: Shape) -> list[bool]:
    """Writes the tokenizer; returns which tokens the model may write."""
    from gguf import TokenType

    tokens, merges = _trained(shape.vocabulary - 2)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*tokens, _START, _END])
    writer.add_token_types([TokenType.NORMAL] * len(tokens) + [TokenType.CONTROL] * 2)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(len(tokens))
    writer.add_eos_token_id(len(tokens) + 1)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHATML)
    return [*map(_is_plain, tokens), False, False]


def _is_plain(token: str) -> bool:
    """Whether a token, as byte-level BPE writes it, is printable ASCII and not only a space."""
    text = token.removeprefix("Ġ")
    return bool(text) and text.isascii() and text.isprintable() and not text.startswith("<")


def _trained(size: int) -> tuple[list[str], list[str]]:
    """Byte-level BPE of this size: its tokens by number, its merges in order."""
    try:
        from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    except ImportError as error:
        raise SystemExit("tokenizers is not installed: run 'scripts/setup dev'") from error
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=sorted(alphabet), show_progress=False
    )
    tokenizer.train_from_iterator(_corpus(), trainer)
    trained = json.loads(tokenizer.to_str())["model"]
    if len(trained["vocab"]) != size:
        raise SystemExit(f"this Python's texts only give {len(trained['vocab'])} of {size} tokens")
    merges = [m if isinstance(m, str) else " ".join(m) for m in trained["merges"]]
    return sorted(trained["vocab"], key=trained["vocab"].__getitem__), merges


def _corpus() -> Iterator[str]:
    for file in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        yield file.read_text(errors="replace")
    yield manual()


def manual() -> str:
    """English prose that comes with Python: the manual behind ``help()``."""
    from pydoc_data.topics import topics

    return "\n".join(topics.values())


def _tensors(shape: Shape, allowed: list[bool]) -> Iterator[tuple[str, Any]]:
    import numpy as np

    random = np.random.default_rng(shape.seed)
    width, inner = shape.width, shape.inner
    narrow = width // shape.heads * shape.heads_kv

    def matrix(rows: int, columns: int, scale: float = 1.0) -> Any:
        return (random.standard_normal((rows, columns), np.float32)) * scale * columns**-0.5

    # Dimension 0 of the hidden state is the same large number at every position, since no layer
    # writes to it; the output layer reads it to rule tokens out, as a bias would. The rest of its
    # block stays empty there: they would share its scale.
    embedding = matrix(len(allowed), width, width**0.5)
    embedding[:, 0] = 4.0
    output = matrix(len(allowed), width, 4.0)
    output[:, 0] = np.where(allowed, 0.0, _RULED_OUT)
    output[~np.array(allowed), 1:_BLOCK] = 0.0
    yield "token_embd.weight", embedding
    yield "output.weight", output
    yield "output_norm.weight", np.ones(width, np.float32)
    for layer in range(shape.layers):
        attention, down = matrix(width, width), matrix(width, inner)
        attention[0] = down[0] = 0.0
        block = {
            "attn_q": matrix(width, width),
            "attn_k": matrix(narrow, width),
            "attn_v": matrix(narrow, width),
            "attn_output": attention,
            "ffn_gate": matrix(inner, width),
            "ffn_up": matrix(inner, width),
            "ffn_down": down,
            "attn_norm": np.ones(width, np.float32),
            "ffn_norm": np.ones(width, np.float32),
        }
        yield from ((f"blk.{layer}.{name}.weight", tensor) for name, tensor in block.items())
