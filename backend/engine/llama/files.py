"""A look at a model file before native code takes it."""

from __future__ import annotations

from pathlib import Path

from backend.engine.llama.log import LlamaError

_MAGIC = b"GGUF"


def check_file(path: Path) -> None:
    """Reads a file's first bytes.

    Raises:
        LlamaError: It cannot be read, or is not in GGUF format.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except FileNotFoundError as error:
        raise LlamaError("there is no such file") from error
    except OSError as error:
        raise LlamaError(f"it cannot be read: {error.strerror}") from error
    if magic != _MAGIC:
        raise LlamaError("it is not a GGUF file")
