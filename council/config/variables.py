"""The variables of panel files: what `${VAR}` stands for, and where that comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from council.config.keys import find_key
from council.config.mistakes import KeyPath

_SECRET_KEYS = ("api_key", "headers", "proxy")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the value of a variable came from.

    Attributes:
        name: The variable's name.
        source: In words: `environment`, `keyring`, `keys file` or `default`.
    """

    name: str
    source: str

    def __str__(self) -> str:
        words = {"default": "the panel's own default", "environment": "the environment"}
        return f"{self.name} from {words.get(self.source, f'the {self.source}')}"


def look_up(name: str, default: str | None) -> tuple[str, Origin] | None:
    """The value of a variable: of the environment, else a key that is kept, else its default.

    Raises:
        ConfigError: A key of this name is kept, and cannot be read.
    """
    if value := os.environ.get(name):
        return value, Origin(name, "environment")
    if kept := find_key(name):
        return kept[0], Origin(name, "keyring" if kept[1] == "keyring" else "keys file")
    return None if default is None else (default, Origin(name, "default"))


def is_secret(path: KeyPath) -> bool:
    """Whether what stands there in a panel is a key, a header or a proxy's URL."""
    return not set(_SECRET_KEYS).isdisjoint(path[-2:])


def key_origins(
    origins: Mapping[KeyPath, tuple[Origin, ...]], entry: KeyPath = ()
) -> Iterator[Origin]:
    """Where the secrets of a panel come from, or those of one entry: each variable once."""
    seen: set[str] = set()
    for path, found in origins.items():
        if path[: len(entry)] != entry or not is_secret(path):
            continue
        for origin in found:
            if origin.name not in seen:
                seen.add(origin.name)
                yield origin
