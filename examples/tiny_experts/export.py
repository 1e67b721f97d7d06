"""Write a checkpoint as a GGUF file that llama.cpp can run.

Examples:
    python -m examples.tiny_experts.export --run runs/abacus --out backend/builtin
    python -m examples.tiny_experts.export --run runs/sage --type f16 --out /tmp
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from examples.tiny_experts.bpe import (
    END_OF_TEXT,
    PRE_TOKENIZER,
    SPECIALS,
    TURN_END,
    control_id,
    load_tokenizer,
)
from examples.tiny_experts.chat import CHAT_TEMPLATE
from examples.tiny_experts.shape import ModelConfig

# fmt: off
TYPES = {
    "q8_0": gguf.GGMLQuantizationType.Q8_0,
    "f16": gguf.GGMLQuantizationType.F16,
}
"""Storage types of the matrices; vectors stay in single precision."""

_FILE_TYPES = {"q8_0": gguf.LlamaFileType.MOSTLY_Q8_0, "f16": gguf.LlamaFileType.MOSTLY_F16}

_BLOCK_TENSORS = {
    "attention_norm": "attn_norm", "query": "attn_q", "key": "attn_k", "value": "attn_v",
    "attention_out": "attn_output", "feed_norm": "ffn_norm", "gate": "ffn_gate", "up": "ffn_up",
    "down": "ffn_down",
}
# fmt: on

Array = npt.NDArray[np.float32]


def gguf_name(name: str) -> str:
    """Translate the name of a parameter.

    Args:
        name: Name in ``TinyLlama``, such as ``blocks.0.query.weight``.

    Returns:
        Name in the file, such as ``blk.0.attn_q.weight``. There is no output
        layer of its own; llama.cpp then uses the embedding.
    """
    if name == "embedding.weight":
        return "token_embd.weight"
    if name == "norm.weight":
        return "output_norm.weight"
    _, index, part, _ = name.split(".")
    return f"blk.{index}.{_BLOCK_TENSORS[part]}.weight"


def load_checkpoint(path: Path) -> tuple[str, ModelConfig, dict[str, Array]]:
    """Read what ``train`` saved.

    Args:
        path: The checkpoint.

    Returns:
        Name, shape and weights of the model.
    """
    import torch

    state = torch.load(path, weights_only=True)
    weights = {name: tensor.float().numpy() for name, tensor in state["weights"].items()}
    return state["name"], ModelConfig(**state["config"]), weights


def _add_description(writer: gguf.GGUFWriter, name: str, kind: str) -> None:
    """Say what the file is."""
    writer.add_name(name)
    writer.add_description(
        "A tiny demonstration model that answers small questions on sums, capitals, days, "
        "units and spelling, and little else. Trained from scratch on generated data."
    )
    writer.add_license("MIT")
    writer.add_languages(["en"])
    writer.add_file_type(_FILE_TYPES[kind])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def _add_shape(writer: gguf.GGUFWriter, config: ModelConfig) -> None:
    """Write the hyperparameters llama.cpp needs."""
    writer.add_context_length(config.context)
    writer.add_embedding_length(config.width)
    writer.add_block_count(config.layers)
    writer.add_feed_forward_length(config.hidden)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.heads)
    writer.add_layer_norm_rms_eps(config.norm_epsilon)
    writer.add_rope_dimension_count(config.width // config.heads)
    writer.add_rope_freq_base(config.rope_base)
    writer.add_vocab_size(config.vocabulary)


def _merge_text(merge: str | list[str]) -> str:
    """Write one merge the way the file format wants it."""
    return merge if isinstance(merge, str) else " ".join(merge)


def _token_type(token: str, merged: Mapping[str, int]) -> gguf.TokenType:
    """Tell what kind of entry this is; whole phrases are found before any text is cut."""
    if token in SPECIALS:
        return gguf.TokenType.CONTROL
    return gguf.TokenType.NORMAL if token in merged else gguf.TokenType.USER_DEFINED


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    """Write vocabulary, merges, control tokens and chat template."""
    model = json.loads(tokenizer.to_str())["model"]
    entries = tokenizer.get_vocab(with_added_tokens=True)
    tokens = sorted(entries, key=entries.__getitem__)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE_TOKENIZER)
    writer.add_token_list(tokens)
    writer.add_token_types([_token_type(token, model["vocab"]) for token in tokens])
    writer.add_token_merges([_merge_text(merge) for merge in model["merges"]])
    writer.add_bos_token_id(control_id(tokenizer, END_OF_TEXT))
    writer.add_pad_token_id(control_id(tokenizer, END_OF_TEXT))
    writer.add_eos_token_id(control_id(tokenizer, TURN_END))
    writer.add_eot_token_id(control_id(tokenizer, TURN_END))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def write_gguf(
    path: Path,
    name: str,
    config: ModelConfig,
    weights: dict[str, Array],
    tokenizer: Tokenizer,
    kind: str = "q8_0",
) -> None:
    """Write a model.

    Args:
        path: The file to write.
        name: Name of the model.
        config: Its shape.
        weights: Its parameters by their name in ``TinyLlama``.
        tokenizer: The shared tokenizer.
        kind: A key of ``TYPES``.
    """
    writer = gguf.GGUFWriter(path, "llama")
    _add_description(writer, name, kind)
    _add_shape(writer, config)
    _add_tokenizer(writer, tokenizer)
    for parameter, values in weights.items():
        if values.ndim == 1:
            writer.add_tensor(gguf_name(parameter), values)
        else:
            packed = gguf.quants.quantize(values, TYPES[kind])
            writer.add_tensor(gguf_name(parameter), packed, raw_dtype=TYPES[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    """Export from the command line."""
    parser = argparse.ArgumentParser(
        description="Write a checkpoint as NAME.gguf.",
        epilog=(__doc__ or "").partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run", type=Path, required=True, help="folder written by train")
    parser.add_argument("--out", type=Path, required=True, help="folder for NAME.gguf")
    parser.add_argument("--type", choices=tuple(TYPES), default="q8_0", help="type of the matrices")
    arguments = parser.parse_args()
    name, config, weights = load_checkpoint(arguments.run / "checkpoint.pt")
    tokenizer = load_tokenizer(arguments.run / "tokenizer.json")
    path = arguments.out / f"{name}.gguf"
    write_gguf(path, name, config, weights, tokenizer, arguments.type)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
