"""Reads the JSON schema of a run's answers from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from council.errors import ConfigError

_MOST_BYTES = 1_000_000


def read_schema(file: Path) -> dict[str, Any]:
    """The JSON object in a file; whether it is a schema is checked later.

    Raises:
        ConfigError: The file cannot be read, or holds no JSON object.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}") from None
    if len(content) > _MOST_BYTES:
        raise ConfigError(f"{file} is no JSON schema: larger than {_MOST_BYTES:,} bytes")
    try:
        schema = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file} is not JSON: {error}") from None
    if not isinstance(schema, dict):
        raise ConfigError(f"{file} holds no JSON schema: expected an object")
    return schema
