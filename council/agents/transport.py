"""The HTTP client that agents share."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx

from council.agents.lean_http import LeanClient, LeanTransport
from council.agents.proxies import (
    EVERYTHING,
    ProxiedTransport,
    Proxies,
    authorization,
    environment_proxies,
    secrets,
)
from council.config.connection import checked_bundle, checked_proxy
from council.config.schema import EndpointConfig
from council.errors import ConfigError

T = TypeVar("T")

_NO_LIMIT = httpx.Limits(max_connections=None, max_keepalive_connections=None)


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """How endpoints are reached; equal options can share a client.

    Attributes:
        verify: Whose certificates are trusted: the usual authorities', those of a CA bundle (a
            file, or a folder that `openssl rehash` has seen), those of a context, or anybody's.
        proxy: The URL of a proxy for all requests, with its user and password if it wants them.
        trust_env: Go through the proxies that the environment names, and trust `SSL_CERT_FILE`
            and `SSL_CERT_DIR`, as httpx does; `proxy` and `verify` come first.

    Raises:
        ConfigError: The bundle cannot be read, or the proxy is no URL.
    """

    verify: bool | str | Path | ssl.SSLContext = True
    proxy: str | None = field(default=None, repr=False)
    trust_env: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.verify, str | Path):
            _checked("verify", checked_bundle, Path(self.verify))
        if self.proxy is not None:
            _checked("proxy", checked_proxy, self.proxy)

    @classmethod
    def of(cls, config: EndpointConfig) -> TransportOptions:
        """Those of an entry of a panel file."""
        proxy = config.proxy.get_secret_value() if config.proxy else None
        return cls(config.verify, proxy, config.trust_env)

    def proxies(self) -> Proxies:
        """Which requests go through which proxy; raises ConfigError as the environment may."""
        if self.proxy is not None:
            return {EVERYTHING: self.proxy.strip()}
        return environment_proxies() if self.trust_env else {}

    def secrets(self) -> tuple[str, ...]:
        """The passwords that nobody should read, in every form; empty where nothing is usable."""
        try:
            return secrets(self.proxies())
        except ConfigError:
            return ()

    def ssl_context(self) -> ssl.SSLContext:
        """The context for every connection, to a proxy as well.

        Raises:
            ConfigError: There are no certificates where the environment or `verify` says.
        """
        if isinstance(self.verify, ssl.SSLContext):
            return self.verify
        bundle = self._bundle()
        if bundle is None:
            return httpx.create_ssl_context(verify=self.verify is not False, trust_env=False)
        if Path(bundle).is_dir():
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle)

    def _bundle(self) -> str | None:
        if isinstance(self.verify, str | Path):
            return _checked("verify", checked_bundle, Path(self.verify))
        if not (self.verify and self.trust_env):
            return None
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            if os.environ.get(name):
                key = f"{name} in the environment"
                return _checked(key, checked_bundle, Path(os.environ[name]))
        return None


def new_client(options: TransportOptions | None = None) -> httpx.AsyncClient:
    """A client without limits of its own: council's concurrency limit and clocks are the limits.

    Under asyncio it speaks through aiohttp, which spends less CPU per token than httpcore and
    does not lose a pool slot when a stream is cancelled twice; httpcore serves under trio.
    Must be called where an event loop runs.

    Args:
        options: How endpoints are reached; as httpx does where there are none.

    Raises:
        ConfigError: The environment names a proxy or certificates that cannot be used.
    """
    options = options or TransportOptions()
    context = options.ssl_context()
    mounts = {
        pattern: None if url is None else _proxied(url, context)
        for pattern, url in options.proxies().items()
    }
    try:
        # Proxies are mounted here and not by httpx: both transports then get the same context for
        # a proxy's own certificate, and the same bytes for its password.
        return LeanClient(_transport(context), mounts)
    except httpx.InvalidURL:
        raise ConfigError("NO_PROXY in the environment: an entry is no host or URL") from None


def under_asyncio() -> bool:
    """Whether the event loop that runs is asyncio's."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _transport(
    context: ssl.SSLContext, proxy: httpx.Proxy | None = None
) -> httpx.AsyncBaseTransport:
    if under_asyncio():
        return LeanTransport(context, proxy)
    return httpx.AsyncHTTPTransport(verify=context, limits=_NO_LIMIT, proxy=proxy)


def _proxied(url: str, context: ssl.SSLContext) -> httpx.AsyncBaseTransport:
    address = httpx.URL(url).copy_with(username=None, password=None)
    encrypted = context if address.scheme == "https" else None
    said = authorization(url)
    # As a header and not as `auth`: of a tunnel's two libraries one takes Latin-1 alone.
    headers = {"Proxy-Authorization": said} if said else None
    proxy = httpx.Proxy(address, ssl_context=encrypted, headers=headers)
    return ProxiedTransport(_transport(context, proxy), url)


def _checked(key: str, check: Callable[[T], str], value: T) -> str:
    try:
        return check(value)
    except ValueError as error:
        raise ConfigError(f"{key}: {error}") from None
