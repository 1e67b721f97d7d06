"""The part of the command line that says how models are loaded."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from backend.errors import UsageError
from backend.options import CacheType, Lora, Options, Pooling, RopeScaling, Switch
from backend.settings import Bounds, ModelSpec, parse_size

_NUMBERS = {
    "threads-batch": (1024, "CPU threads for prompts (default: as for --threads)"),
    "batch": (1 << 20, "most tokens in one step (default: 512, on a GPU 2048)"),
    "ubatch": (1 << 20, "most tokens computed at once (default: as --batch, at most 512)"),
    "yarn-ctx": (1 << 24, "tokens the model was trained for, for YaRN (default: as the file says)"),
}
_CHOICES: dict[str, tuple[Any, str]] = {
    "flash-attention": (Switch, "attention without a matrix of scores"),
    "cache-type-k": (CacheType, "how keys are stored"),
    "cache-type-v": (CacheType, "how values are stored; a quantized type needs flash attention"),
    "kv-unified": (Switch, "one buffer for all requests; off: a part for each, which is faster"),
    "rope-scaling": (RopeScaling, "how positions beyond the trained ones are reached"),
    "pooling": (Pooling, "how a text's vector is made of its tokens' (auto: the file's, or mean)"),
}
_FACTORS = {
    "rope-scale": "by how much to stretch the context (default: as the file says)",
    "rope-base": "base frequency of the positions (default: as the file says)",
}
_DEFAULTS = Options()


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options to a parser."""
    group = parser.add_argument_group("how models are loaded")
    for name, (_, text) in _NUMBERS.items():
        group.add_argument(f"--{name}", type=int, default=0, metavar="N", help=text)
    for name, (kind, text) in _CHOICES.items():
        default = getattr(_DEFAULTS, _FIELDS.get(name, name.replace("-", "_")))
        choices = get_args(kind)
        shown = f"{text}: {', '.join(choices)} (default: {default})"
        group.add_argument(
            f"--{name}", choices=choices, default=default, metavar="WHICH", help=shown
        )
    for name, text in _FACTORS.items():
        group.add_argument(f"--{name}", type=float, default=0.0, metavar="X", help=text)
    group.add_argument("--no-mmap", action="store_true", help="read the file instead of mapping it")
    group.add_argument(
        "--mlock", action="store_true", help="keep the weights from being swapped out"
    )
    group.add_argument(
        "--cache-dir",
        default="",
        metavar="DIR",
        help="folder in which long prompts outlive the server (default: none)",
    )
    group.add_argument(
        "--cache-max",
        default="4G",
        metavar="SIZE",
        help="most that is kept there (default: %(default)s)",
    )
    group.add_argument(
        "--lora",
        action="append",
        default=[],
        metavar="SPEC",
        help="adapter: PATH or PATH:SCALE, with several models MODEL=PATH:SCALE; may be repeated",
    )


_FIELDS = {"kv-unified": "unified"}


def read_options(given: argparse.Namespace, parallel: int) -> Options:
    """The options of a command line.

    Raises:
        UsageError: One is impossible, or two are at odds.
    """
    values: dict[str, Any] = {
        "mmap": not given.no_mmap,
        "mlock": given.mlock,
        "cache_dir": _folder(given.cache_dir),
        "cache_max": parse_size("--cache-max", given.cache_max),
    }
    for name, (high, _) in _NUMBERS.items():
        field = name.replace("-", "_")
        values[field] = Bounds(f"--{name}", 0, high).check(getattr(given, field))
    for name in _CHOICES:
        field = name.replace("-", "_")
        values[_FIELDS.get(name, field)] = getattr(given, field)
    for name in _FACTORS:
        field = name.replace("-", "_")
        values[field] = _factor(name, getattr(given, field))
    return Options(**values).check(parallel)


def with_loras(specs: Sequence[ModelSpec], texts: Sequence[str]) -> tuple[ModelSpec, ...]:
    """The models, each with its adapters.

    Raises:
        UsageError: A spec is malformed, or does not say for which of several models it is.
    """
    found: dict[str, tuple[Lora, ...]] = {spec.id: () for spec in specs}
    for text in texts:
        id, lora = _lora(text, list(found))
        found[id] = (*found[id], lora)
    return tuple(replace(spec, loras=found[spec.id]) for spec in specs)


def _lora(text: str, ids: list[str]) -> tuple[str, Lora]:
    """For which model an adapter is, and the adapter."""
    named = [id for id in ids if text.startswith(f"{id}=")]
    if not named and len(ids) > 1:
        raise UsageError(
            f"--lora {text!r}: say for which model: MODEL=PATH, with one of {', '.join(ids)}"
        )
    id = max(named, key=len) if named else ids[0]
    place = text.removeprefix(f"{id}=") if named else text
    path, scale = _scaled(place)
    if not path:
        raise UsageError(f"--lora {text!r}: expected PATH or PATH:SCALE")
    return id, Lora(str(Path(path).expanduser()), scale)


def _scaled(text: str) -> tuple[str, float]:
    """A path and the scale behind its last colon, where that is a number."""
    path, colon, end = text.rpartition(":")
    try:
        scale = float(end)
    except ValueError:
        return text, 1.0
    if not colon or Path(text).expanduser().exists():
        return text, 1.0
    if not math.isfinite(scale):
        raise UsageError(f"--lora {text!r}: the scale must be a finite number")
    return path, scale


def _folder(text: str) -> str:
    """The folder as an absolute path, "" for none.

    Raises:
        UsageError: Something else is there.
    """
    if not text:
        return ""
    folder = Path(text).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--cache-dir {folder}: that is no folder")
    return str(folder)


def _factor(name: str, value: float) -> float:
    if value != 0 and not (math.isfinite(value) and 0 < value <= 1e9):
        raise UsageError(f"--{name} must be greater than 0, not {value:g}")
    return value
