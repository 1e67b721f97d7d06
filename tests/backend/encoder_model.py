"""Writes a small BERT of random weights: a real file of a model that only makes vectors."""

from __future__ import annotations

import string
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

WIDTH, LAYERS, CONTEXT = 32, 2, 64
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_LETTERS = string.ascii_lowercase + string.digits
_TOKENS = [*_SPECIAL, *("\u2581" + letter for letter in _LETTERS), *_LETTERS]


def write_encoder(path: Path, pooling: gguf.PoolingType = gguf.PoolingType.CLS) -> Path:
    """Writes a model file; returns its path."""
    writer = gguf.GGUFWriter(str(path), "bert")
    _write_facts(writer, pooling)
    _write_vocabulary(writer)
    for name, tensor in _tensors().items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _write_facts(writer: gguf.GGUFWriter, pooling: gguf.PoolingType) -> None:
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(WIDTH * 2)
    writer.add_head_count(4)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(pooling)


def _write_vocabulary(writer: gguf.GGUFWriter) -> None:
    kinds = [gguf.TokenType.CONTROL] * len(_SPECIAL)
    writer.add_tokenizer_model("bert")
    writer.add_token_list(_TOKENS)
    writer.add_token_types(kinds + [gguf.TokenType.NORMAL] * (len(_TOKENS) - len(kinds)))
    writer.add_token_type_count(2)
    for name, token in (("pad", 0), ("unk", 1), ("bos", 2), ("sep", 3), ("eos", 3), ("mask", 4)):
        getattr(writer, f"add_{name}_token_id")(token)


def _tensors() -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(1)

    def matrix(rows: int, columns: int) -> NDArray[np.float32]:
        return random.normal(0, columns**-0.5, (rows, columns)).astype(np.float32)

    def norm(name: str) -> dict[str, NDArray[np.float32]]:
        ones, zeros = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)
        return {f"{name}.weight": ones, f"{name}.bias": zeros}

    tensors = {
        "token_embd.weight": matrix(len(_TOKENS), WIDTH),
        "token_types.weight": matrix(2, WIDTH),
        "position_embd.weight": matrix(CONTEXT, WIDTH),
    } | norm("token_embd_norm")
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensors[f"{block}.{name}.weight"] = matrix(WIDTH, WIDTH)
        tensors[f"{block}.ffn_up.weight"] = matrix(WIDTH * 2, WIDTH)
        tensors[f"{block}.ffn_down.weight"] = matrix(WIDTH, WIDTH * 2)
        tensors |= norm(f"{block}.attn_output_norm") | norm(f"{block}.layer_output_norm")
    return tensors
