"""Vectors as they are kept: 32-bit floats, named by what they hold."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

from council.agents.embedder import Embedder, fields_of
from council.messages import Usage
from council.store.canonical import canonical, fingerprint
from council.store.secrets import without_secrets


def space_of(embedder: Embedder) -> str:
    """What tells vectors that may be compared: the model, and what else is asked of it."""
    known = getattr(embedder, "space", None)
    if isinstance(known, str):
        return known
    extra = without_secrets(dict(fields_of(embedder)), free=True)
    return fingerprint(canonical({"model": embedder.model, "extra": extra}))


def packed(vector: Sequence[float]) -> bytes | None:
    """A vector as little-endian 32-bit floats; None where it does not fit into them."""
    try:
        return struct.pack(f"<{len(vector)}f", *vector)
    except OverflowError:
        return None


def unpacked(data: bytes) -> tuple[float, ...]:
    """The vector behind such bytes."""
    return struct.unpack(f"<{len(data) // 4}f", data)


def mark_of(data: bytes) -> str:
    """The SHA-256 of a packed vector, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def text_mark(text: str) -> str:
    """By what a text is known: the fingerprint of its JSON, which any text has."""
    return fingerprint(canonical(text))


def shares(usage: Usage, texts: Sequence[str]) -> list[Usage]:
    """Usage parted among texts by their lengths; the parts add up to all of it."""
    tokens, length = usage.total_tokens, sum(map(len, texts)) or 1
    parts: list[Usage] = []
    read = given = 0
    for text in texts:
        read += len(text)
        upto = tokens * read // length
        parts.append(Usage(prompt_tokens=upto - given, estimated=usage.estimated))
        given = upto
    return parts
