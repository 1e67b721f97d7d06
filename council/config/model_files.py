"""The models that the bundled backend would serve: are they there, and are they what they say?"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from council.config.hints import nearest

BUILTIN = "builtin:"
_MAGIC = b"GGUF"


def builtin_names() -> list[str] | None:
    """The names of the built-in models, None where the backend is not installed.

    They are files `builtin/NAME.gguf` in the folder of `backend`, which is looked at and not
    imported.
    """
    spec = importlib.util.find_spec("backend")
    if spec is None or not spec.submodule_search_locations:
        return None
    folders = [Path(place) / "builtin" for place in spec.submodule_search_locations]
    return sorted(file.stem for folder in folders for file in folder.glob("*.gguf"))


def builtin_problem(model: str) -> str:
    """What is wrong with a model `builtin:NAME`; empty if nothing is, or nobody can know."""
    names = builtin_names()
    if names is None or model.removeprefix(BUILTIN) in names:
        return ""
    return f"there is no built-in model {model!r}{nearest(model, [BUILTIN + n for n in names])}"


def missing_problem(file: Path) -> str:
    """What is wrong with the place of a model file; empty if there is a file."""
    if file.is_dir():
        return f"{file} is a folder: name the GGUF file in it"
    if not file.exists():
        return f"no model file at {file}: without `endpoint` a model is a GGUF file or builtin:NAME"
    return ""


def content_problem(file: Path) -> str:
    """What is wrong with a file as a model, by its first bytes; empty if it looks like one."""
    if not file.is_file():  # a pipe has no bytes to look at yet
        return ""
    try:
        with file.open("rb") as opened:
            magic = opened.read(len(_MAGIC))
    except OSError as error:
        return f"{file} cannot be read: {error.strerror or error}"
    if not magic:
        return f"{file} is empty: fetch the model again"
    return "" if magic == _MAGIC else f"{file} is not a GGUF file: convert it, or name another one"
