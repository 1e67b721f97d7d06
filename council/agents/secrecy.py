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


# First the letters that any begins with, since long texts are searched. A line's escaped end is a
# beginning too: texts of JSON may stand in others.
_START = r"(?=[abcghprsxABCPRS])(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
_SAID = (
    r"(?i:bearer\s+|api[_-]?key[\"']?\s*[:=]\s*[\"']?)",
    # What goes by a name that may be a word in a sentence has to have a digit.
    r"(?i:(?:(?:access|secret|auth|refresh)[_-](?:key|token)|client[_-]secret|password|passwd)"
    r"[\"']?\s*[:=]\s*[\"']?(?=\S{0,64}\d))",
)
_LOOKS = (
    r"(?i:sk-)[\w\-.~+/]{6,}=*",
    r"[sr]k_(?:live|test)_\w{10,}",
    r"(?:gh[oprsu]_|github_pat_|hf_)\w{20,}",
    r"glpat-[\w\-]{16,}",
    r"(?:AKIA|ASIA)[A-Z0-9]{16}",
    r"xox[a-z]-[\w\-]{10,}",
    r"AIza[\w\-]{30,}",
)
_PEM = r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
_SECRET = re.compile(
    rf"{_PEM}|{_START}(?:(?P<said>{'|'.join(_SAID)})[\w.\-~+/]{{6,}}=*|{'|'.join(_LOOKS)})"
)


def names_secret(name: str) -> bool:
    """Whether what goes by this name is secret, however short it is."""
    return _NAME.search(name) is not None


def without_looks(text: str, instead: str) -> str:
    """The text with `instead` in the place of all that looks like a secret, wherever it stands.

    These are keys by their providers' beginnings, what is called a key or a password, what comes
    after `Bearer`, and private keys in PEM.
    """
    return _SECRET.sub(lambda found: f"{found['said'] or ''}{instead}", text)


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
