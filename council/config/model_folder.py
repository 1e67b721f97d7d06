"""The folder that model files are kept in, and what is there."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_PART = re.compile(r"(.*)-(\d{5})-of-\d{5}\.gguf")
_MOST_FILES = 10_000  # a folder that is no folder of models is left


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model on disk.

    Attributes:
        path: Its file, or the first one of a model that is cut into several.
        size: Bytes, of all its files.
    """

    path: Path
    size: int


def model_folder() -> Path:
    """Where `council pull` puts models: `COUNCIL_MODELS`, or a folder in the user's data."""
    chosen = os.environ.get("COUNCIL_MODELS")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_data_path

    return user_data_path("council", appauthor=False) / "models"


def model_files(folder: Path) -> list[ModelFile]:
    """The GGUF files in a folder and the folders in it, by path; none where it cannot be read."""
    sizes: dict[Path, int] = {}
    for seen, path in enumerate(sorted(folder.rglob("*.gguf"))):
        if seen >= _MOST_FILES:
            break
        try:
            size = path.stat().st_size
        except OSError:  # a link to nothing
            continue
        first = first_part(path)
        if first == path or first in sizes:
            sizes[first] = sizes.get(first, 0) + size
    return [ModelFile(path, size) for path, size in sizes.items()]


def first_part(path: Path) -> Path:
    """The file that a panel names for a model that is cut into several; else the file itself."""
    found = _PART.fullmatch(path.name)
    if found is None:
        return path
    return path.with_name(path.name.replace(f"-{found[2]}-of-", "-00001-of-"))


def in_words(size: int) -> str:
    """A number of bytes for people: `1.2 GB`."""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
