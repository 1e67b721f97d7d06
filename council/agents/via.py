"""Which gateways a run has come through: told to whomever its experts ask.

A panel may be an expert of another panel, through a gateway; then it could ask itself without end.
"""

from __future__ import annotations

import re
from contextvars import ContextVar

HEADER = "x-council-via"

via: ContextVar[tuple[str, ...]] = ContextVar("via", default=())
"""The ids of the gateways that the run at hand has come through, the first one first."""

_BETWEEN = re.compile(r"[,\s]+")
_MOST = 64
"""How many ids of a header are read, which is more than any gateway lets pass."""


def parse_via(header: str | None) -> tuple[str, ...]:
    """The ids in a header's value."""
    return tuple(filter(None, _BETWEEN.split(header or "", maxsplit=_MOST)))


def via_value() -> str:
    """The header's value for a request of the run at hand; empty where no gateway made it."""
    return ", ".join(via.get())
