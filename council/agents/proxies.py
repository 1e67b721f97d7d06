"""Which requests go through which proxy, and what a proxy's failures look like."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

import httpx

from council.config.connection import checked_proxy
from council.errors import ConfigError

Proxies = Mapping[str, str | None]
"""Patterns of URLs, as httpx mounts transports, with the proxy for each; None for no proxy."""

EVERYTHING = "all://"

_LEAST = 4  # characters of a password; hiding fewer wherever they stand would garble every error


def environment_proxies() -> dict[str, str | None]:
    """The proxies that `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name.

    Raises:
        ConfigError: One of them is no URL that can be used.
    """
    named = getproxies()
    exempt = [host for host in map(str.strip, named.get("no", "").split(",")) if host]
    if "*" in exempt:
        return {}
    proxies: dict[str, str | None] = {
        f"{scheme}://": _from_environment(scheme, named[scheme])
        for scheme in ("http", "https", "all")
        if named.get(scheme)
    }
    return {**proxies, **dict.fromkeys(map(_exemption, exempt))} if proxies else {}


def authorization(url: str) -> str | None:
    """What `Proxy-Authorization` says for the user and password in a proxy's URL, if it has any."""
    parts = urlsplit(url)
    if not (parts.username or parts.password):
        return None
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def secrets(proxies: Proxies) -> tuple[str, ...]:
    """What a proxy may say back that nobody should read: its passwords, in every form sent."""
    found: list[str] = []
    for url in filter(None, proxies.values()):
        password = urlsplit(url).password
        if password:
            sent = (authorization(url) or "").removeprefix("Basic ")
            found.append(sent)
            found += [form for form in (unquote(password), password) if len(form) >= _LEAST]
    return tuple(dict.fromkeys(found))


class ProxiedTransport(httpx.AsyncBaseTransport):
    """A transport whose failures say that a proxy stands in between.

    Args:
        transport: What goes through the proxy.
        url: The proxy, which errors show without its password.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, url: str) -> None:
        self._transport = transport
        self._authorization = authorization(url)
        parts = urlsplit(url)
        self._shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request; raises httpx.ProxyError where no connection came about."""
        # Through a tunnel the endpoint would read it: there it goes with the CONNECT alone.
        if self._authorization and request.url.scheme == "http":
            request.headers["Proxy-Authorization"] = self._authorization
        try:
            return await self._transport.handle_async_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise httpx.ProxyError(self._shown) from error

    async def aclose(self) -> None:
        """Closes the transport."""
        await self._transport.aclose()


def _from_environment(scheme: str, url: str) -> str:
    try:
        return checked_proxy(url if "://" in url else f"http://{url}")
    except ValueError as error:
        name = f"{scheme.upper()}_PROXY"
        raise ConfigError(
            f"{name} in the environment: {error}; or unset it, or set `trust_env: false`"
        ) from None


def _exemption(host: str) -> str:
    """The pattern of an entry of `NO_PROXY`: a URL, an address, or a name with all below it."""
    if "://" in host:
        return host
    try:
        version = ip_address(host.strip("[]")).version
    except ValueError:
        return f"all://{host}" if host.lower() == "localhost" else f"all://*{host}"
    return f"all://[{host.strip('[]')}]" if version == 6 else f"all://{host}"
