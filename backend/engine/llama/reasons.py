"""Why llama.cpp refused, in plain words; what it said itself follows in brackets."""

from __future__ import annotations

import re

import llama_cpp as lib

_MEMORY = (
    "there is not enough memory: choose a smaller --ctx, a smaller --cache-type-k, or a smaller"
    " model"
)
_DAMAGED = "the file is incomplete or damaged: fetch it again"
_OTHER_MODEL = "it was made for another model"
_UNKNOWN = f"llama.cpp, as of llama-cpp-python {lib.__version__}, does not know its {{}}"

_WORDS: tuple[tuple[str, str], ...] = (
    (r"insufficient memory|failed to allocate|unable to allocate|bad_alloc", _MEMORY),
    (r"not within the file bounds|failed to read|unexpected end|invalid magic", _DAMAGED),
    (r"unknown model architecture", _UNKNOWN.format("architecture")),
    (r"unknown (pre-)?tokenizer", _UNKNOWN.format("tokenizer")),
    (r"expect general.type|expect adapter.type|LoRA tensor .* suffix", "it is no LoRA adapter"),
    (r"model arch and LoRA arch mismatch", "it was made for another architecture"),
    (r"does not exist in base model|incorrect shape", _OTHER_MODEL),
    (r"tensor '.*' not found|wrong shape|missing tensor", "its weights are not those it announces"),
    (r"does not divide n_embd_head_k", "--cache-type-k does not suit this model: choose f16"),
    (r"does not divide n_embd_head_v", "--cache-type-v does not suit this model: choose f16"),
)


def plain(said: str) -> str:
    """A reason as a person would give it; what is not known stays as it was said."""
    for pattern, words in _WORDS:
        if re.search(pattern, said):
            return f"{words} ({said})"
    return said
