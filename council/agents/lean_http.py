"""httpx's client and transport with less in the way of a request and of its tokens.

A reply of a hundred tokens paid 7 µs a token for its request, twice what it costs through aiohttp
alone (`benchmarks/README.md`). What is left out is what no chat API uses: cookies, redirects,
hooks, the merging of headers that are the same each time, and two generators that each token
would have to pass. Whatever is not plain goes httpx's and httpx-aiohttp's own way.
"""

from __future__ import annotations

import functools
import json
import ssl
from collections.abc import AsyncGenerator
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import aiohttp
import httpx
import httpx_aiohttp
import yarl
from httpx_aiohttp.transport import AiohttpResponseStream, map_aiohttp_exceptions
from multidict import CIMultiDict

_KEEP_ALIVE_SECONDS = 5.0  # as in httpx
_PLAIN = {"json", "headers", "timeout"}


class LeanTransport(httpx_aiohttp.AiohttpTransport):
    """httpx-aiohttp's transport, with a way of our own for requests in one piece without a proxy.

    Its errors are the library's.

    Args:
        verify: The context for every connection.
        proxy: What all requests go through, if anything.
    """

    def __init__(self, verify: ssl.SSLContext, proxy: httpx.Proxy | None = None) -> None:
        super().__init__(verify=verify, proxy=proxy, client=functools.partial(_session, verify))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request; see httpx."""
        content = _content(request)
        if self.proxy is not None or content is None:
            return await super().handle_async_request(request)
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self.get_client()
        timeout = request.extensions.get("timeout", {})
        try:
            response = await self.client.request(
                request.method,
                request.extensions.get("address") or _address(request.url),
                headers=_headers(request),
                data=content or None,
                allow_redirects=False,
                auto_decompress=False,
                timeout=_timeout(timeout.get("connect"), timeout.get("read")),
            )
        except Exception:
            with map_aiohttp_exceptions():
                raise
        return httpx.Response(
            response.status,
            headers=response.raw_headers,
            stream=LeanBody(response),
            request=request,
            extensions={"reason_phrase": (response.reason or "").encode()},
        )


class LeanClient(httpx.AsyncClient):
    """A client that hands plain requests to its transport as they are, and keeps no cookies.

    Args:
        transport: Who sends what goes through no proxy.
        mounts: Transports for URL patterns, as httpx takes them.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        mounts: dict[str, httpx.AsyncBaseTransport | None],
    ) -> None:
        super().__init__(transport=transport, mounts=mounts, timeout=None, trust_env=False)
        self.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
        lean = isinstance(transport, LeanTransport) and not mounts
        self._direct = transport if lean else None

    def build_request(self, method: str, url: httpx.URL | str, **options: Any) -> httpx.Request:
        """Makes a request; see httpx. One with all its headers is not merged with anything."""
        if self._direct is None or options.keys() != _PLAIN:
            return super().build_request(method, url, **options)
        content = json.dumps(
            options["json"], ensure_ascii=False, separators=(",", ":"), allow_nan=False
        ).encode()
        parsed, address = _both(url)
        request = httpx.Request(
            method,
            parsed,
            headers=options["headers"],
            stream=httpx.ByteStream(content),
            extensions={"timeout": options["timeout"].as_dict(), "address": address},
        )
        request.read()
        return request

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Sends a request; see httpx."""
        if self._direct is None or options != {"stream": True}:
            return await super().send(request, **options)
        return await self._direct.handle_async_request(request)


class LeanBody(AiohttpResponseStream):
    """A response's body: what has arrived, as soon as it has."""

    @property
    def at_end(self) -> bool:
        """Whether all of it was read: the connection can be used again."""
        return self._aiohttp_response.content.at_eof()

    def let_go(self) -> bool:
        """Gives a connection back that nothing more comes from; False where there is more."""
        if self.at_end:
            self._aiohttp_response.release()
        return self.at_end

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        read = self._aiohttp_response.content.readany
        try:
            while data := await read():
                yield data
        except Exception:
            with map_aiohttp_exceptions():
                raise


def _session(verify: ssl.SSLContext) -> aiohttp.ClientSession:
    # 0 is "no limit": how many requests are under way is limited elsewhere.
    connector = aiohttp.TCPConnector(ssl=verify, limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


def _content(request: httpx.Request) -> bytes | None:
    """A request's body; None where it is a stream."""
    try:
        return request.content
    except httpx.RequestNotRead:
        return None


def _headers(request: httpx.Request) -> CIMultiDict[str]:
    return CIMultiDict(
        [(name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw]
    )


@functools.lru_cache(maxsize=256)
def _both(url: httpx.URL | str) -> tuple[httpx.URL, yarl.URL]:
    """A URL for httpx and for aiohttp."""
    parsed = httpx.URL(url)
    return parsed, _address(parsed)


def _address(url: httpx.URL) -> yarl.URL:
    # As httpx has escaped it: aiohttp would undo what it takes for needless, in signed URLs too.
    return yarl.URL(str(url), encoded=True)


@functools.lru_cache(maxsize=64)
def _timeout(connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(sock_connect=connect, sock_read=read)
