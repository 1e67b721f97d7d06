"""Writes small GGUF models of random weights: real files for llama.cpp, with chosen properties."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

_MERGED, _START, _END = "th", "<|im_start|>", "<|im_end|>"
_VOCABULARY = 259  # all bytes, one merge (llama.cpp insists on one), two control tokens
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a model is made.

    Attributes:
        ctx: Tokens it was trained for, as its file says.
        width: Size of the hidden state; the price of a token grows with its square.
        layers: Number of layers.
        ends: Whether it ever says that its answer is over; if not, only limits end it.
        ascii_only: Whether it writes nothing but printable ASCII characters.
        template: Chat template in the file; None for none.
        seed: Start of the random weights.
        spelled: Whether its tokens are bytes alone, and a space is a character of three of them.
    """

    ctx: int = 8192
    width: int = 64
    layers: int = 2
    ends: bool = False
    ascii_only: bool = False
    template: str | None = CHATML
    seed: int = 1
    spelled: bool = False


def byte_tokens() -> list[str]:
    """How byte-level BPE writes each byte: printable ones as they are, others as other letters."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(spare)) for byte in range(256)]


def write_model(path: Path, shape: Shape = Shape()) -> Path:
    """Writes a model file; returns its path."""
    writer = gguf.GGUFWriter(str(path), "llama")
    _write_facts(writer, shape)
    _write_vocabulary(writer, shape)
    for name, tensor in _tensors(shape).items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _write_facts(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_context_length(shape.ctx)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.width * 2)
    writer.add_head_count(4)
    writer.add_head_count_kv(4)
    writer.add_rope_dimension_count(shape.width // 4)
    writer.add_layer_norm_rms_eps(1e-5)


def _write_spelled_vocabulary(writer: gguf.GGUFWriter) -> None:
    kinds = gguf.TokenType
    writer.add_tokenizer_model("llama")
    writer.add_token_list(["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))])
    writer.add_token_scores([0.0] * _VOCABULARY)
    writer.add_token_types([kinds.UNKNOWN, *[kinds.CONTROL] * 2, *[kinds.BYTE] * 256])


def _write_vocabulary(writer: gguf.GGUFWriter, shape: Shape) -> None:
    if shape.spelled:
        _write_spelled_vocabulary(writer)
        return
    tokens = [*byte_tokens(), _MERGED, _START, _END]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * 257 + [gguf.TokenType.CONTROL] * 2)
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(257)
    writer.add_eos_token_id(258)
    writer.add_add_bos_token(False)
    if shape.template is not None:
        writer.add_chat_template(shape.template)


def _tensors(shape: Shape) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(shape.seed)
    width, vocabulary = shape.width, _VOCABULARY

    def matrix(rows: int, columns: int) -> NDArray[np.float32]:
        return random.normal(0, columns**-0.5, (rows, columns)).astype(np.float32)

    # Dimension 0 of the hidden state is the same large number at every position, since no layer
    # writes to it; the output layer reads it to rule tokens out, as a bias would.
    embedding = matrix(vocabulary, width) * width**0.5
    embedding[:, 0] = 4.0
    output = matrix(vocabulary, width) * 4
    output[:, 0] = np.where(_allowed(shape), 0.0, -100.0)
    tensors = {
        "token_embd.weight": embedding,
        "output.weight": output,
        "output_norm.weight": np.ones(width, np.float32),
    }
    for layer in range(shape.layers):
        block = {
            "attn_q": matrix(width, width),
            "attn_k": matrix(width, width),
            "attn_v": matrix(width, width),
            "attn_output": matrix(width, width),
            "ffn_gate": matrix(width * 2, width),
            "ffn_up": matrix(width * 2, width),
            "ffn_down": matrix(width, width * 2),
            "attn_norm": np.ones(width, np.float32),
            "ffn_norm": np.ones(width, np.float32),
        }
        block["attn_output"][0] = 0
        block["ffn_down"][0] = 0
        tensors |= {f"blk.{layer}.{name}.weight": tensor for name, tensor in block.items()}
    return tensors


def _allowed(shape: Shape) -> NDArray[np.bool_]:
    """Which tokens the model may write."""
    allowed = np.ones(_VOCABULARY, bool)
    if shape.ascii_only:
        allowed[:] = False
        allowed[32:127] = True
    allowed[-2:] = False, shape.ends
    return allowed
