"""What people write as an endpoint, made into the URL to call."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from council.errors import ConfigError

_OPENAI = "/chat/completions"
_ANTHROPIC = "/messages"
_EMBEDDINGS = "/embeddings"


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


def embeddings_url(endpoint: str) -> str:
    """The URL of the OpenAI embeddings route behind an endpoint, by the rules of `openai_url`.

    A full chat URL leads to the route beside it.
    """
    parts = urlsplit(_url_with_route(endpoint, _EMBEDDINGS))
    path = parts.path.removesuffix(_EMBEDDINGS).removesuffix(_OPENAI)
    return urlunsplit((*parts[:2], path + _EMBEDDINGS, *parts[3:]))


def shown(url: str) -> str:
    """A URL as errors may show it: a password or a value in its query may be secret.

    Raises:
        ValueError: It is no URL.
    """
    parts = urlsplit(url)
    query = "&".join(f"{pair.partition('=')[0]}=…" for pair in parts.query.split("&") if pair)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def _url_with_route(endpoint: str, route: str) -> str:
    try:
        parts = urlsplit(endpoint.strip())
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ConfigError(
            "the endpoint is not an http(s) URL: write e.g. http://localhost:11434/v1"
        )
    if "@" in parts.netloc:
        raise ConfigError(
            "credentials do not belong in an endpoint: use `api_key`, or `headers` with an"
            " Authorization of your own"
        )
    path = parts.path.rstrip("/")
    if not path.endswith(route):
        path = (path or "/v1") + route
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
