"""What the models of a panel file's parts have in common."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|)\s*")
_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def _seconds(value: Any) -> Any:
    """`30`, `30s`, `2m`, `500ms` as seconds; anything else is left to fail as a wrong type."""
    if isinstance(value, str):
        match = _DURATION.fullmatch(value)
        if match is None:
            raise ValueError("expected seconds (30) or a duration like 30s, 2m, 500ms")
        return float(match[1]) * _UNITS[match[2]]
    return value


# `json_schema_input_type` is what editors are told: the form as written, not as read.
Seconds = Annotated[
    float,
    BeforeValidator(_seconds, json_schema_input_type=float | str),
    Field(gt=0, allow_inf_nan=False),
]


# strict: "3" is no number and 1 is no text; YAML has types, so a wrong one is a mistake.
STRICT = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)
"""How the models of a panel file's parts read values."""
