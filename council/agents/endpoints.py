"""What people write as an endpoint, made into the URL to call."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from council.errors import ConfigError

_OPENAI = "/chat/completions"
_ANTHROPIC = "/messages"


def openai_url(endpoint: str) -> str:
    """The URL of the OpenAI chat route behind an endpoint.

    A bare origin gets `/v1`; a path (`/v1`, `/v4`, `/v1beta/openai`) is kept; a full chat URL is
    used as it is. A query string (`?api-version=…`) stays.

    Raises:
        ConfigError: It is no http or https URL with a host.
    """
    return _url_with_route(endpoint, _OPENAI)


def anthropic_url(endpoint: str) -> str:
    """The URL of Anthropic's messages route behind an endpoint, by the rules of `openai_url`."""
    return _url_with_route(endpoint, _ANTHROPIC)


def _url_with_route(endpoint: str, route: str) -> str:
    parts = urlsplit(endpoint.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"endpoint {endpoint!r} is not an http(s) URL: write e.g. http://localhost:11434/v1"
        )
    path = parts.path.rstrip("/")
    if not path.endswith(route):
        path = (path or "/v1") + route
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
