"""What of a call is secret: one rule for errors and for the record."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlsplit

LEAST = 8
"""Characters; shorter values are words (`ollama`) or numbers that any text may well hold."""

_NAME = re.compile(
    r"(?i)(?:^|[_\-.])(?:api[_\-]?key|key|token|secret|pass|password|passwd|auth|authorization|cookie"
    r"|credentials?)$"
)


def names_secret(name: str) -> bool:
    """Whether what goes by this name is secret, however short it is."""
    return _NAME.search(name) is not None


def forms(secret: str) -> frozenset[str]:
    """A secret as it may be repeated: as it is, and escaped for a URL, a page or JSON."""
    return frozenset(
        (
            *(secret, quote(secret), quote(secret, safe=""), quote_plus(secret)),
            *(escape(secret), escape(secret, quote=False), json.dumps(secret)[1:-1]),
        )
    )


def header_secrets(headers: Mapping[str, str]) -> Iterator[str]:
    """The values of headers that are secret, and what comes after a scheme (`Bearer …`)."""
    for name, value in headers.items():
        if value and (len(value) >= LEAST or names_secret(name)):
            yield value
        if names_secret(name):
            yield from (piece for piece in value.split()[1:] if len(piece) >= LEAST)


def query_secrets(url: str) -> Iterator[str]:
    """The values in a URL's query that are secret, in every form a server may see or repeat."""
    for pair in urlsplit(url).query.split("&"):
        name, _, raw = pair.partition("=")
        plain = unquote(raw)
        if raw and (len(plain) >= LEAST or names_secret(unquote_plus(name))):
            yield from (raw, plain, unquote_plus(raw), quote(plain), quote(plain, safe=""))
