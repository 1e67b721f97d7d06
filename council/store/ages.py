"""How old is old: `30d`, `12h`, `2w`."""

from __future__ import annotations

import re

from council.errors import ConfigError

_AGE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def seconds_of_age(text: str) -> float:
    """An age in seconds.

    Raises:
        ConfigError: It is no number with a unit. A number alone is refused: days and seconds are
            too easily taken for each other where something is deleted.
    """
    match = _AGE.fullmatch(text)
    if match is None:
        raise ConfigError(f"expected an age like 30d, 12h or 2w, got {text!r}")
    return float(match[1]) * _UNITS[match[2]]
