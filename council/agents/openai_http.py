"""The agent for every server that speaks the OpenAI chat API."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import fields, replace
from typing import Any

import anyio
import httpx

from council.agents.endpoints import chat_url
from council.agents.http_body import ResponseBody, open_body
from council.agents.http_errors import FOREIGN, CallContext, from_foreign, from_status
from council.agents.shared import Shared
from council.agents.transport import new_client
from council.agents.wire import ChatStreamDecoder
from council.config import ExpertConfig, SynthesizerConfig
from council.errors import AgentError, ConfigError
from council.limits import ProgressClock, Timeouts
from council.messages import ChatRequest, ChatToken, Sampling


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
        partial: list[str] = []
        try:
            clock = ProgressClock(self._timeouts, anyio.current_time())
            async with (
                self._send(request, clock, context) as body,
                aclosing(_tokens(body)) as tokens,
            ):
                async for token in tokens:
                    partial.append(token.text)
                    yield token
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
        secrets = (self._api_key,) if self._api_key else ()
        return CallContext(self.id, self.url, request.request_id, self._timeouts.connect, secrets)

    @asynccontextmanager
    async def _send(
        self, request: ChatRequest, clock: ProgressClock, context: CallContext
    ) -> AsyncGenerator[ResponseBody, None]:
        """Sends the request; the body is that of a 2xx event stream."""
        client = self._shared_client()
        http_request = client.build_request(
            "POST",
            self.url,
            json=request_body(replace(request, model=request.model or self.model)),
            headers=self._headers(request),
            # Connecting is the client's to time; all that follows is the clock's.
            timeout=httpx.Timeout(None, connect=self._timeouts.connect),
        )
        async with open_body(client, http_request, clock) as body:
            if not body.response.is_success:
                raise from_status(body.response.status_code, await body.excerpt(), context)
            body.require_event_stream()
            yield body

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


async def _tokens(body: ResponseBody) -> AsyncGenerator[ChatToken, None]:
    """The reply's tokens; raises unless the reply is whole."""
    decoder = ChatStreamDecoder()
    while not decoder.done:
        data = await body.read(may_break=decoder.whole)
        for token in decoder.end() if data is None else decoder.feed(data):
            body.clock.on_token()
            yield token
        if data is None:
            return
    await body.drain()


def build(id: str, config: ExpertConfig | SynthesizerConfig, shared: Shared) -> OpenAIHTTPAgent:
    """The agent for an entry of a panel file.

    Raises:
        ConfigError: It has no endpoint, or one that is no URL.
    """
    if config.endpoint is None:
        raise ConfigError("this kind of agent needs an `endpoint`")
    return OpenAIHTTPAgent(
        id,
        config.model,
        config.endpoint,
        api_key=config.api_key.get_secret_value() if config.api_key else None,
        timeouts=config.timeouts.to_timeouts(),
        client=shared.once(new_client),
    )
