"""How much memory a model will take, from its file and the options, before it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.engine.messages import Load
from backend.gguf import HeaderError, parts_of, read_header

_CACHE_BYTES = {
    **{"f32": 4.0, "f16": 2.0, "q8_0": 34 / 32, "q5_1": 24 / 32},
    **{"q5_0": 22 / 32, "q4_1": 20 / 32, "q4_0": 18 / 32, "iq4_nl": 18 / 32},
}
"""Bytes of one stored number."""
_WORKER = 64 << 20
"""Bytes of a worker process with no model in it."""


def needed(load: Load) -> int:
    """Bytes for the weights, the KV cache and the process; an estimate, not a promise.

    The weights count whole although they are mapped: a model whose weights do not stay in memory
    is too slow to be of use.
    """
    files = [*parts_of(Path(load.path)), *(Path(lora.path) for lora in load.options.loras)]
    return _WORKER + sum(map(_size, files)) + _cache(load)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _cache(load: Load) -> int:
    """Bytes of the KV cache; 0 where the header does not tell, or the model has none."""
    try:
        header = read_header(Path(load.path))
        facts = _Facts(header)
        key, value = facts.numbers_per_token()
    except (HeaderError, KeyError, TypeError, ValueError, ZeroDivisionError):
        return 0
    options = load.options
    per_token = key * _CACHE_BYTES[options.cache_type_k]
    return int(load.ctx * (per_token + value * _CACHE_BYTES[options.cache_type_v]))


class _Facts:
    """The part of a header that belongs to the model's architecture."""

    def __init__(self, header: Mapping[str, Any]) -> None:
        self._header = header
        self._architecture = header["general.architecture"]

    def numbers_per_token(self) -> tuple[int, int]:
        """How many numbers the keys and the values of one token have, in all layers."""
        if self._find("attention.causal", True) is False:
            return 0, 0
        heads = self._find("attention.head_count")
        several = heads if isinstance(heads, list) else [heads] * self._find("block_count")
        stored = self._find("attention.head_count_kv", several)
        stored = stored if isinstance(stored, list) else [stored] * len(several)
        width = self._find("embedding_length") // max(several)
        key = self._find("attention.key_length", width)
        value = self._find("attention.value_length", width)
        return sum(stored) * key, sum(stored) * value

    def _find(self, name: str, default: Any = None) -> Any:
        key = f"{self._architecture}.{name}"
        return self._header[key] if default is None else self._header.get(key, default)
