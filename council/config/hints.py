"""What somebody may have meant by a key that does not exist where it stands."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

Level = tuple[str, ...]
"""Where a key stands, without the places in lists: `("experts", "sampling")`."""

_LIKELY = 0.75
_POSSIBLE = 0.5

# What other tools call it, by the level at which it is written here.
_ENTRY = {
    "api_base": "endpoint",
    "base_url": "endpoint",
    "host": "endpoint",
    "instructions": "persona",
    "max_completion_tokens": "sampling.max_tokens",
    "max_new_tokens": "sampling.max_tokens",
    "n": "samples",
    "name": "id",
    "prompt": "persona",
    "provider": "kind",
    "role": "persona",
    "stop_sequences": "sampling.stop",
    "system": "persona",
    "system_prompt": "persona",
    "timeout": "timeouts.total",
    "type": "kind",
    "url": "endpoint",
}
# A synthesizer is no seat of the panel: it has no name, no part and no samples.
_WRITER = {name: key for name, key in _ENTRY.items() if key not in ("id", "persona", "samples")}
_OTHER_NAMES: dict[Level, Mapping[str, str]] = {
    (): {
        "agents": "experts",
        "aggregator": "synthesizer",
        "extract": "strategy.extract",
        "judge": "synthesizer",
        "members": "experts",
        "models": "experts",
        "panel": "experts",
        "timeout": "limits.deadline",
    },
    ("experts",): _ENTRY,
    ("synthesizer",): _WRITER,
    ("experts", "sampling"): {"max_completion_tokens": "max_tokens", "stop_sequences": "stop"},
    ("limits",): {"timeout": "deadline", "max_concurrency": "concurrency"},
    ("backend",): {
        "context": "ctx",
        "n_ctx": "ctx",
        "n_gpu_layers": "gpu_layers",
        "ngl": "gpu_layers",
        "timeout": "startup_timeout",
    },
}


def meant(name: str, level: Level, here: list[str], panel: type[BaseModel]) -> Level | None:
    """The key that an unknown one most likely stands for, from the top of the file.

    Args:
        name: The unknown key.
        level: Where it stands.
        here: The keys there are at that place.
        panel: The model of the whole file.
    """
    other = _OTHER_NAMES.get(level, {}).get(name)
    if other is not None:
        return (*level, *other.split("."))
    # `name` of a strategy is nobody's neighbour.
    everywhere = [key for key in keys(panel) if key[:-1] != ("strategy",)]
    same = [key for key in everywhere if key[-1] == name]
    if same:
        # The nearest one: below or beside this place rather than at the other end of the file.
        return max(same, key=lambda key: _shared(key, level))
    below = [key[-1] for key in everywhere if len(key) > len(level) + 1 and _is_in(key, level)]
    for known, likeness in ((here, _LIKELY), (below, _LIKELY), (here, _POSSIBLE)):
        for close in difflib.get_close_matches(name, known, n=1, cutoff=likeness):
            if known is here:
                return (*level, close)
            return next(key for key in everywhere if key[-1] == close and _is_in(key, level))
    return None


def keys(model: type[BaseModel], level: Level = ()) -> Iterator[Level]:
    """Every key of a model and of the models in it."""
    for name, field in model.model_fields.items():
        yield (*level, name)
        for inner in models_in(field.annotation):
            yield from keys(inner, (*level, name))


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation names, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from models_in(argument)


def nearest(name: str, known: list[str]) -> str:
    """How an error about an unknown name goes on: the nearest right one, or all of them."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=_POSSIBLE)
    return f": did you mean {close[0]!r}?" if close else listed(known)


def listed(known: list[str]) -> str:
    """How an error about an unknown name goes on where nothing is near."""
    return f" (known: {', '.join(known)})"


def _is_in(key: Level, level: Level) -> bool:
    return key[: len(level)] == level


def _shared(key: Level, level: Level) -> int:
    """How many steps from the top two places have in common."""
    steps = zip(key, level, strict=False)
    return next((i for i, (a, b) in enumerate(steps) if a != b), min(len(key), len(level)))
