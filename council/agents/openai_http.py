"""The agent for every server that speaks the OpenAI chat API."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import fields
from typing import Any

import anyio
import httpx

from council.agents.endpoints import chat_url
from council.agents.http_errors import (
    EXCERPT_BYTES,
    FOREIGN,
    CallContext,
    from_foreign,
    from_status,
)
from council.agents.transport import new_client
from council.agents.wire import ChatStreamDecoder
from council.errors import AgentError, AgentTimeout, StreamError
from council.limits import ProgressClock, Timeouts
from council.messages import ChatRequest, ChatToken, Sampling

_DRAIN_SECONDS = 0.1
_CLOSE_SECONDS = 1.0


class OpenAIHTTPAgent:
    """Asks one model at one endpoint, streaming.

    Args:
        id: The agent's name in messages.
        model: The model's name at the server.
        endpoint: An origin, a base path or the full chat URL; see `chat_url`.
        api_key: Sent as a bearer token; never shown.
        timeouts: Limits for one reply.
        client: A client to share. The agent closes only a client it made itself.

    Raises:
        ConfigError: The endpoint is no URL.
    """

    def __init__(
        self,
        id: str,
        model: str,
        endpoint: str,
        *,
        api_key: str | None = None,
        timeouts: Timeouts | None = None,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self.id = id
        self.model = model
        self.url = chat_url(endpoint)
        self._api_key = api_key
        self._timeouts = timeouts or Timeouts()
        self._client = client
        self._own_client: httpx.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"OpenAIHTTPAgent(id={self.id!r}, model={self.model!r}, url={self.url!r})"

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        """Streams one reply.

        Raises:
            TransportError: No connection, or a status other than 2xx.
            StreamError: Malformed frame, error object, or an end before the reply was whole.
            AgentTimeout: A limit of `timeouts` passed.
        """
        context = self._context(request)
        clock = ProgressClock(self._timeouts, anyio.current_time())
        partial: list[str] = []
        try:
            response = await self._send(request, clock, context)
            try:
                async for token in _tokens(response, clock):
                    partial.append(token.text)
                    yield token
            except FOREIGN as error:
                raise from_foreign(error, context, streaming=True) from error
            finally:
                await _close(response)
        except AgentError as error:
            raise context.locate(error, "".join(partial)) from error.__cause__

    async def aclose(self) -> None:
        """Closes the connections of a client the agent made itself."""
        if self._own_client is not None:
            await self._own_client.aclose()
            self._own_client = None

    def _context(self, request: ChatRequest) -> CallContext:
        secrets = (self._api_key,) if self._api_key else ()
        return CallContext(self.id, self.url, request.request_id, self._timeouts.connect, secrets)

    async def _send(
        self, request: ChatRequest, clock: ProgressClock, context: CallContext
    ) -> httpx.Response:
        """Sends the request; returns once a 2xx event stream has begun."""
        client = self._shared_client()
        http_request = client.build_request(
            "POST",
            self.url,
            json=request_body(request),
            headers=self._headers(request),
            # Connecting is the client's to time; all that follows is the clock's.
            timeout=httpx.Timeout(None, connect=self._timeouts.connect),
        )
        try:
            with _within(clock):
                response = await client.send(http_request, stream=True)
        except FOREIGN as error:
            raise from_foreign(error, context, streaming=False) from error
        if response.is_success:
            return response
        try:
            with _within(clock):
                raise from_status(response.status_code, await _excerpt(response), context)
        finally:
            await _close(response)

    def _headers(self, request: ChatRequest) -> dict[str, str]:
        headers = {
            "Accept": "text/event-stream",
            # Compressing an event stream makes servers hold tokens back.
            "Accept-Encoding": "identity",
        }
        if request.request_id:
            headers["X-Request-Id"] = request.request_id
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        return headers

    def _shared_client(self) -> httpx.AsyncClient:
        if self._client is not None:
            return self._client
        if self._own_client is None:
            self._own_client = new_client()
        return self._own_client


def request_body(request: ChatRequest) -> dict[str, Any]:
    """The JSON of a chat request; knobs that are not set are left out."""
    return {
        "model": request.model,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        **_knobs(request.sampling),
    }


def _knobs(sampling: Sampling) -> Mapping[str, Any]:
    values = {field.name: getattr(sampling, field.name) for field in fields(sampling)}
    return {name: value for name, value in values.items() if value is not None}


class _within:
    """Turns the passing of the clock's next limit into `AgentTimeout`."""

    def __init__(self, clock: ProgressClock) -> None:
        seconds, self._limit = clock.next_limit(anyio.current_time())
        self._clock = clock
        self._scope = anyio.move_on_after(seconds)

    def __enter__(self) -> None:
        self._scope.__enter__()

    def __exit__(self, *exc: Any) -> bool | None:
        swallowed = self._scope.__exit__(*exc)
        if self._scope.cancelled_caught:
            raise AgentTimeout(self._limit, self._clock.seconds_of(self._limit))
        return swallowed


async def _tokens(
    response: httpx.Response, clock: ProgressClock
) -> AsyncGenerator[ChatToken, None]:
    """The reply's tokens, each read under the clock; raises unless the reply is whole."""
    _require_event_stream(response)
    decoder = ChatStreamDecoder()
    body = response.aiter_bytes()
    while not decoder.done:
        data = await _read(body, clock, whole=decoder.whole)
        if data is None:
            for token in decoder.end():
                yield token
            return
        clock.on_read(anyio.current_time())
        for token in decoder.feed(data):
            clock.on_token()
            yield token
    await _drain(body)


async def _read(body: AsyncIterator[bytes], clock: ProgressClock, *, whole: bool) -> bytes | None:
    """The next bytes, None at the end.

    A connection that breaks after the reply was whole is an end like any other.
    """
    try:
        with _within(clock):
            return await anext(body, None)
    except FOREIGN:
        if whole:
            return None
        raise


async def _drain(body: AsyncIterator[bytes]) -> None:
    # Closing before the chunked terminator was read would cost the connection; a server that
    # keeps the stream open after [DONE] is not waited for.
    try:
        with anyio.move_on_after(_DRAIN_SECONDS):
            while await anext(body, None) is not None:
                pass
    except FOREIGN:
        pass


async def _close(response: httpx.Response) -> None:
    # Shielded: in a cancelled task any await would raise again and leave the socket open.
    with anyio.move_on_after(_CLOSE_SECONDS, shield=True):
        await response.aclose()


async def _excerpt(response: httpx.Response) -> bytes:
    body = b""
    async for data in response.aiter_bytes():
        body += data
        if len(body) >= EXCERPT_BYTES:
            break
    return body


def _require_event_stream(response: httpx.Response) -> None:
    content_type = response.headers.get("content-type", "")
    # Some servers send no type at all, or text/plain: only what cannot be a stream is refused.
    if "html" in content_type or "application/json" in content_type:
        raise StreamError(f"expected an event stream, got {content_type!r}: is the endpoint right?")
