"""A panel's values without what is wrong in them, so that the rest can be looked at as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from council.config.mistakes import KeyPath
from council.config.schema import ExpertConfig

_ENTRIES = ("experts", "synthesizer")
_ENDPOINT = "http://localhost"


def mended(values: Mapping[str, Any], wrong: Iterable[KeyPath]) -> dict[str, Any]:
    """A copy in which wrong values are left out, or harmless where something has to stand.

    Nothing is ever asked by it: whoever reads on only looks for more mistakes.
    """
    copy: dict[str, Any] = _copy(values)
    for path in wrong:
        _leave_out(copy, _removable(path))
    for name in _ENTRIES:
        entries = copy.get(name)
        for entry in entries if isinstance(entries, list) else [entries]:
            if isinstance(entry, dict):
                entry.setdefault("model", "?")
    if not copy.get("experts"):
        copy["experts"] = [{"model": "?", "endpoint": _ENDPOINT}]
    return copy


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value


def _removable(path: KeyPath) -> KeyPath:
    """The path, without its end inside of a list of plain values."""
    while len(path) > 2 and isinstance(path[-1], int):
        path = path[:-1]
    return path


def _leave_out(values: dict[str, Any], path: KeyPath) -> None:
    if not path:
        return
    holder: Any = values
    for part in path[:-1]:
        try:
            holder = holder[part]
        except (KeyError, IndexError, TypeError):
            return
    last = path[-1]
    if isinstance(holder, list) and isinstance(last, int) and last < len(holder):
        holder[last] = {}
    elif isinstance(holder, dict):
        holder.pop(last, None)
        if _may_be_endpoint(path) and holder.get("kind") != "local":
            # Without an endpoint it would be a model file, which it was not meant to be.
            holder.setdefault("endpoint", _ENDPOINT)


def _may_be_endpoint(path: KeyPath) -> bool:
    """Whether a key of an entry is its endpoint, or a word that may have been meant for it."""
    names = [part for part in path if isinstance(part, str)]
    if len(names) != 2 or names[0] not in (*_ENTRIES, "embedder"):
        return False
    return names[1] == "endpoint" or names[1] not in ExpertConfig.model_fields
