"""Pydantic's complaints about a panel as mistakes: one for each key, in words for a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from council.config.document import Document, dotted
from council.config.hints import Level, listed, meant, models_in
from council.config.mistakes import KeyPath, Mistake
from council.config.schema import PanelConfig
from council.config.wording import complaint

_UNKNOWN = "extra_forbidden"
_TYPE_NAME = re.compile(r"str|bool|int|float|none|[A-Za-z]+Config|.*\[.*\].*")


def complaints(
    error: ValidationError, document: Document, prefix: KeyPath, model: type[BaseModel]
) -> list[Mistake]:
    """What a validation found, with file, line, key path and the nearest right name.

    Args:
        error: What pydantic raised.
        document: Where the values are from.
        prefix: The key of the values that were validated.
        model: What they were validated by.
    """
    found: dict[KeyPath, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        path = prefix + _key_path(details["loc"], document.values, prefix)
        found.setdefault(path, []).append(details)
    aims = {
        path: _aim(path, prefix, model)
        for path, details in found.items()
        if details[0]["type"] == _UNKNOWN
    }
    return [
        document.error(path, _message(path, details, aims.get(path), prefix, model))
        for path, details in found.items()
        if not _follows(path, details, found, aims)
    ]


def _follows(
    path: KeyPath,
    details: list[ErrorDetails],
    found: Mapping[KeyPath, list[ErrorDetails]],
    aims: Mapping[KeyPath, Level | None],
) -> bool:
    """Whether a complaint only follows from another one, which helps more."""
    if details[0]["type"] == "missing":
        # A misspelt key is also a missing one.
        level = level_of(path)
        return any(aim == level and wrong[:-1] == path[:-1] for wrong, aim in aims.items())
    # A mapping with a mistake in it is also no text, where either may stand.
    return any(len(other) > len(path) and other[: len(path)] == path for other in found)


def _message(
    path: KeyPath,
    details: list[ErrorDetails],
    aim: Level | None,
    prefix: KeyPath,
    model: type[BaseModel],
) -> str:
    if details[0]["type"] == "missing":
        return "is missing"
    if details[0]["type"] != _UNKNOWN:
        return complaint(details, str(path[-1]) if path else "")
    if aim is None:
        return f"unknown key{listed(_known_keys(model, path[len(prefix) : -1]))}"
    return f"unknown key: did you mean {_shown(aim, path)!r}?"


def level_of(path: KeyPath) -> Level:
    """A key path without the places in lists."""
    return tuple(part for part in path if isinstance(part, str))


def _aim(path: KeyPath, prefix: KeyPath, model: type[BaseModel]) -> Level | None:
    here = _known_keys(model, path[len(prefix) : -1])
    return meant(str(path[-1]), level_of(path[:-1]), here, PanelConfig)


def _shown(aim: Level, path: KeyPath) -> str:
    """A key as somebody who wrote another one at `path` would look for it."""
    level = level_of(path[:-1])
    if level and aim[: len(level)] == level:
        return dotted(aim[len(level) :])
    # In the same expert, if it belongs to experts at all.
    if aim[0] == "experts" and len(aim) > 1:
        place = path[1] if path[0] == "experts" and len(path) > 1 else "…"
        return f"experts[{place}].{dotted(aim[1:])}"
    return dotted(aim)


def _known_keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys of the (nested) model that a path leads to."""
    for part in path:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        model = next(models_in(field.annotation if field else None), model)
    return list(model.model_fields)


def _key_path(loc: tuple[str | int, ...], values: Any, prefix: KeyPath) -> KeyPath:
    """Pydantic's location without the parts that name types and not keys."""
    for part in prefix:
        values = _step(values, part)
    path: list[str | int] = []
    for part in loc:
        inside = _step(values, part)
        if inside is _NOWHERE and (part != loc[-1] or _is_type_name(part)):
            continue
        path.append(part)
        values = None if inside is _NOWHERE else inside
    return tuple(path)


_NOWHERE = object()


def _step(values: Any, part: str | int) -> Any:
    if isinstance(values, Mapping) and part in values:
        return values[part]
    if isinstance(values, list) and isinstance(part, int) and part < len(values):
        return values[part]
    return _NOWHERE


def _is_type_name(part: str | int) -> bool:
    return isinstance(part, str) and _TYPE_NAME.fullmatch(part) is not None
