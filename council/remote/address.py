"""Where a gateway is, from what people write."""

from __future__ import annotations

from urllib.parse import quote, urlsplit, urlunsplit

from council.errors import ConfigError

_ROUTE = "/v1"


def gateway_url(url: str) -> str:
    """The URL in front of a gateway's own routes, without a slash at its end.

    An origin gets `/v1`; a path that ends in it is kept, and any other path gets it, as a gateway
    behind a proxy has one.

    Raises:
        ConfigError: It is no http or https URL with a host, or holds what has no place in one.
    """
    try:
        parts = urlsplit(url.strip())
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ConfigError(
            "council.connect: the gateway's address is no http(s) URL: write e.g."
            " http://localhost:8000"
        )
    if "@" in parts.netloc:
        raise ConfigError("council.connect: credentials do not belong in a URL: use `api_key`")
    if parts.query or parts.fragment:
        raise ConfigError("council.connect: the gateway's URL ends with its path: no ? and no #")
    path = parts.path.rstrip("/")
    if not path.endswith(_ROUTE):
        path += _ROUTE
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def run_path(id: str, *rest: str) -> str:
    """The path of a run's route, whatever the id is made of."""
    return "/".join(("/council/runs", quote(id, safe=""), *rest))
