"""What every agent over HTTP does alike; how a server's API differs is left to subclasses."""

from __future__ import annotations

import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import anyio
import httpx

from council.agents.endpoints import shown
from council.agents.http_body import ResponseBody, open_body
from council.agents.http_errors import FOREIGN, CallContext, from_foreign, from_status
from council.agents.request_log import logged
from council.agents.secrecy import forms, header_secrets, query_secrets
from council.agents.stream_body import StreamBody
from council.agents.trace_context import trace_headers
from council.agents.transport import TransportOptions, new_client
from council.agents.via import HEADER as VIA
from council.agents.via import via_value
from council.errors import AgentError, ConfigError
from council.limits import ProgressClock, Timeouts
from council.messages import ChatRequest, ChatToken


class HTTPAgent(ABC):
    """Asks one model at one endpoint, streaming.

    Args:
        id: The agent's name in messages.
        model: The model's name at the server.
        endpoint: Where the server is; see `endpoints.py` for the forms.
        api_key: Sent as the server's API wants it; never shown.
        timeouts: Limits for one reply.
        headers: More headers of each request.
        verify: Whose certificates are trusted; see `TransportOptions`.
        proxy: The URL of a proxy; its password is never shown.
        trust_env: Whether the environment may name proxies and certificates.
        client: A client to share, made with the same three options. The agent closes only a
            client it made itself.

    Raises:
        ConfigError: The endpoint or the proxy is no URL, or the CA bundle cannot be read.
    """

    api_headers: ClassVar[Mapping[str, str]] = {}
    """What the server's API wants with each request, unless `headers` say otherwise."""

    provider: ClassVar[str] = "other"
    """Whose API it is, for traces and metrics of endpoints whose host says nothing."""

    def __init__(
        self,
        id: str,
        model: str,
        endpoint: str,
        *,
        api_key: str | None = None,
        timeouts: Timeouts | None = None,
        headers: Mapping[str, str] | None = None,
        verify: bool | str | Path | ssl.SSLContext = True,
        proxy: str | None = None,
        trust_env: bool = True,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self.id = id
        self.model = model
        self.url = self.chat_url(endpoint)
        self._shown = shown(self.url)
        self._api_key = header_value(api_key, "api_key") if api_key else None
        self._headers = {
            name: header_value(value, f"headers.{name}") for name, value in (headers or {}).items()
        }
        self._timeouts = timeouts or Timeouts()
        self._transport = TransportOptions(verify, proxy, trust_env)
        self._secrets = self._all_secrets()
        self._base_headers: httpx.Headers | None = None
        self._client = client
        self._own_client: httpx.AsyncClient | None = None

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(id={self.id!r}, model={self.model!r}, url={shown(self.url)!r})"
        )

    @staticmethod
    @abstractmethod
    def chat_url(endpoint: str) -> str:
        """The URL to post to; raises ConfigError where the endpoint is no URL."""

    @abstractmethod
    def body(self, request: ChatRequest) -> dict[str, Any]:
        """The JSON of a request."""

    @abstractmethod
    def credentials(self, api_key: str) -> dict[str, str]:
        """The headers that carry the key."""

    @abstractmethod
    def decoder(self) -> StreamBody:
        """A decoder for one reply."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        """Streams one reply.

        Raises:
            TransportError: No connection, or a status other than 2xx.
            StreamError: Malformed frame, error object, or an end before the reply was whole.
            AgentTimeout: A limit of `timeouts` passed.
        """
        context = self._context(request)
        partial: list[str] = []
        try:
            clock = ProgressClock(self._timeouts, anyio.current_time())
            async with self._send(request, clock, context) as body:
                decoder = self.decoder()
                while not decoder.done:
                    data = await body.read(may_break=decoder.whole)
                    for token in decoder.end() if data is None else decoder.feed(data):
                        clock.has_token = True
                        partial.append(token.text)
                        yield token
                    if data is None:
                        return
                await body.drain()
        except FOREIGN as error:
            raise from_foreign(error, context, "".join(partial)) from error
        except AgentError as error:
            raise context.locate(error, "".join(partial)) from error.__cause__

    async def aclose(self) -> None:
        """Closes the connections of a client the agent made itself."""
        if self._own_client is not None:
            await self._own_client.aclose()
            self._own_client = None

    def _context(self, request: ChatRequest) -> CallContext:
        return CallContext(
            self.id,
            self._shown,
            request.request_id,
            self._timeouts.connect,
            self._secrets,
        )

    def _all_secrets(self) -> tuple[str, ...]:
        """What no error may repeat, the longest first: one may be a part of another."""
        found = {
            *([self._api_key] if self._api_key else ()),
            *header_secrets(self._headers),
            *query_secrets(self.url),
            *self._transport.secrets(),
        }
        return tuple(sorted(chain.from_iterable(map(forms, found)), key=len, reverse=True))

    @asynccontextmanager
    async def _send(
        self, request: ChatRequest, clock: ProgressClock, context: CallContext
    ) -> AsyncGenerator[ResponseBody, None]:
        """Sends the request; the body is that of a 2xx event stream."""
        client = self._shared_client()
        http_request = client.build_request(
            "POST",
            self.url,
            json=self.body(request),
            headers=self._request_headers(request),
            # Connecting is the client's to time; all that follows is the clock's.
            timeout=httpx.Timeout(None, connect=self._timeouts.connect),
        )
        with logged(self.id, self._shown, request.request_id) as answered:
            async with open_body(client, http_request, clock) as body:
                answered(body.response.status_code)
                if not body.response.is_success:
                    raise from_status(body.response, await body.excerpt(), context)
                await body.require_no_page()
                yield body

    def _request_headers(self, request: ChatRequest) -> httpx.Headers:
        if self._base_headers is None:
            self._base_headers = self._headers_of_all()
        told = {"X-Request-Id": request.request_id, VIA: via_value(), **trace_headers()}
        told = {name: value for name, value in told.items() if value}
        if not told:
            return self._base_headers
        headers = httpx.Headers(self._base_headers)
        headers.update(told)
        return headers

    def _headers_of_all(self) -> httpx.Headers:
        """The headers that all requests have."""
        # Not a dict: names that differ only in case are one header.
        headers = httpx.Headers(
            {"User-Agent": "council", "Content-Type": "application/json", **self.api_headers}
        )
        headers.update(self._headers)
        # Compressing an event stream makes servers hold tokens back.
        headers.update({"Accept": "text/event-stream", "Accept-Encoding": "identity"})
        if self._api_key:
            headers.update(self.credentials(self._api_key))
        return headers

    def _shared_client(self) -> httpx.AsyncClient:
        if self._client is not None:
            return self._client
        if self._own_client is None:
            self._own_client = new_client(self._transport)
        return self._own_client


def header_value(value: str, key: str) -> str:
    """A value as a header can carry it; raises ConfigError, without the value, if none can."""
    stripped = value.strip()
    if not (stripped.isascii() and stripped.isprintable()):
        raise ConfigError(f"{key} holds characters that no HTTP header can carry")
    return stripped
