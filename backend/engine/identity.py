"""What two loaded models must have in common for the state of one to be of use to the other."""

from __future__ import annotations

import hashlib
from pathlib import Path

from backend.engine.messages import Load
from backend.gguf import parts_of

_BEGINNING = 1 << 20


def identity(load: Load, library: str, buffers: int) -> str:
    """Names a model's weights and all that changes what is stored in its cache.

    Args:
        load: How it is loaded.
        library: The library's version.
        buffers: How many its sequences are in; a state has that many.

    Raises:
        OSError: A file cannot be read.
    """
    options = load.options
    facts = [
        f"{library} {buffers}",
        *map(_file, parts_of(Path(load.path))),
        *(f"{_file(Path(lora.path))} {lora.scale}" for lora in options.loras),
        f"{options.cache_type_k} {options.cache_type_v} {options.flash_attention}",
        f"{options.rope_scaling} {options.rope_scale} {options.rope_base} {options.yarn_ctx}",
    ]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:24]


def _file(path: Path) -> str:
    """A file's size, time and beginning: to read all of it would take as long as to load it."""
    found = path.stat()
    with path.open("rb") as file:
        beginning = hashlib.sha256(file.read(_BEGINNING)).hexdigest()
    return f"{found.st_size} {found.st_mtime_ns} {beginning}"
