"""Sizes as people write them."""

from __future__ import annotations

import re

_SIZE = re.compile(r"(\d{1,18}(?:\.\d+)?)([KMGT]?)(?:i?B)?", re.IGNORECASE)


def read_size(text: str) -> int | None:
    """Bytes: a number, or one with K, M, G or T for powers of 1024; None for anything else."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    return int(float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " "))
