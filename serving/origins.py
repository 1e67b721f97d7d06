"""Browsers: which pages may read answers, and which may not even ask."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable

from serving.errors import NotWelcome, OptionError

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@]+")
_TOKENS = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:\s*,\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+)*")
_EXPOSED = ("retry-after", "retry-after-ms", "x-request-id")
_RATE_HEADERS = tuple(
    f"x-ratelimit-{what}-{of}"
    for of in ("requests", "tokens")
    for what in ("limit", "remaining", "reset")
)
_SAFE = ("GET", "HEAD", "OPTIONS")
Headers = dict[str, str]


def parse_origins(texts: Iterable[str]) -> frozenset[str]:
    """Reads origins: ``*``, or a scheme and a host such as ``https://chat.example``.

    Raises:
        OptionError: One is none.
    """
    found = set()
    for text in texts:
        origin = text.strip().lower().removesuffix("/")
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise OptionError(
                f"--cors-origin {text!r}: expected * or SCHEME://HOST[:PORT], as in"
                " https://chat.example"
            )
        found.add(origin)
    return frozenset(found)


def cors_headers(origins: Collection[str], origin: str | None) -> Headers:
    """What lets a page of an origin read an answer; nothing for other pages.

    With ``*`` a page never gets what belongs to a browser's user (cookies, certificates).
    """
    if not origins:
        return {}
    exposed = {"Access-Control-Expose-Headers": ", ".join((*_EXPOSED, *_RATE_HEADERS))}
    if "*" in origins:
        return {"Access-Control-Allow-Origin": "*", **exposed}
    if origin is None or origin.lower() not in origins:
        return {"Vary": "Origin"}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Vary": "Origin",
        **exposed,
    }


def preflight_headers(wanted: str | None) -> Headers:
    """What a browser may send, besides what ``cors_headers`` says.

    Args:
        wanted: The headers it asks for.
    """
    headers = {
        "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
        "Access-Control-Max-Age": "600",
    }
    if wanted and len(wanted) < 1000 and _TOKENS.fullmatch(wanted.strip()):
        headers["Access-Control-Allow-Headers"] = wanted.strip()
    return headers


def require_local(
    method: str, host: str, origin: str | None, allowed: Collection[str], origins: Collection[str]
) -> None:
    """Refuses what pages of the web send to a server that trusts whoever is on this machine.

    A page can send requests to any address that its user's browser reaches. It can read the answers
    too once its own name is made to lead to this machine; then that name is in ``Host``.

    Args:
        method: Of the request.
        host: Its ``Host``; "" where there is none, which no browser does.
        origin: Its ``Origin``.
        allowed: Further names of this machine, in lower case.
        origins: Pages that may ask, see ``parse_origins``.

    Raises:
        NotWelcome: Naming the option that would let it in.
    """
    name = _name_of(host)
    if host and not (is_loopback(name) or name in allowed):
        raise NotWelcome(
            f"This server answers to this machine's own names only, not to {name[:100]!r}: start it"
            " with --allow-host, or with an API key."
        )
    if origin is None or method in _SAFE or "*" in origins or origin.lower() in origins:
        return
    page = _name_of(origin.lower().partition("://")[2])
    if not (is_loopback(page) or page in allowed):
        raise NotWelcome(
            f"A page of {origin[:100]!r} may not ask this server: start it with --cors-origin, or"
            " with an API key."
        )


def is_loopback(name: str) -> bool:
    """Whether a name or an address without a port is this machine's own."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _name_of(host: str) -> str:
    """The name in ``name:port``, ``[address]:port`` or either without a port."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")
