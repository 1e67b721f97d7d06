"""What people write as an endpoint, made into the URL to call."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from council.errors import ConfigError

_CHAT = "/chat/completions"


def chat_url(endpoint: str) -> str:
    """The URL of the chat route behind an endpoint.

    A bare origin gets `/v1`; a path (`/v1`, `/v4`, `/v1beta/openai`) is kept; a full chat URL is
    used as it is. A query string (`?api-version=…`) stays.

    Raises:
        ConfigError: It is no http or https URL with a host.
    """
    parts = urlsplit(endpoint.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"endpoint {endpoint!r} is not an http(s) URL: write e.g. http://localhost:11434/v1"
        )
    path = parts.path.rstrip("/")
    if not path.endswith(_CHAT):
        path = (path or "/v1") + _CHAT
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
