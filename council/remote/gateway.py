"""The wire to a gateway: plain requests, event streams, and the fence around httpx."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx
from httpx_sse import EventSource, ServerSentEvent, aconnect_sse

from council.agents.endpoints import shown
from council.agents.http_agent import header_value
from council.agents.http_errors import FOREIGN, CallContext, from_foreign, never_sent
from council.agents.secrecy import forms
from council.agents.transport import TransportOptions, new_client
from council.errors import AgentError, StreamError, TransportError
from council.remote.failures import NotReached, refusal

_CLOSE_SECONDS = 1.0
_DRAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: for a connection to stand, and for the gateway to say something on it."""

    connect: float = 5.0
    silence: float = 30.0


class Connection:
    """An event stream that is open.

    Args:
        gateway: Whose.
        stack: Closes it.
        messages: What arrives.
    """

    def __init__(
        self,
        gateway: Gateway,
        stack: AsyncExitStack,
        messages: AsyncGenerator[ServerSentEvent, None],
    ) -> None:
        self._gateway = gateway
        self._stack = stack
        self._messages = messages

    async def read(self) -> ServerSentEvent | None:
        """The next message, None where the stream ends.

        Raises:
            AgentError: The connection broke off, or nothing came for too long.
        """
        silence = self._gateway.patience.silence
        try:
            with anyio.move_on_after(silence):
                return await anext(self._messages, None)
        except FOREIGN as error:
            raise self._gateway.foreign(error) from error
        raise StreamError(f"{self._gateway.shown} said nothing for {silence:g} s")

    async def drain(self) -> None:
        """Reads to the end, so that the connection can be used again, if that is near."""
        with suppress(*FOREIGN), anyio.move_on_after(_DRAIN_SECONDS, shield=True):
            await anext(self._messages, None)

    async def aclose(self) -> None:
        """Lets go of the stream, cancelled or not."""
        await close(self._stack)


@dataclass
class Gateway:
    """A gateway's address and the client that asks it; made where an event loop runs.

    Attributes:
        url: As `gateway_url` gives it.
        api_key: The key, if it wants one.
        patience: How long things may take.
        options: How it is reached.
    """

    url: str
    api_key: str | None = field(repr=False)
    patience: Patience
    options: TransportOptions

    def __post_init__(self) -> None:
        self.shown = shown(self.url)
        self._headers = {"User-Agent": "council"}
        self._secrets = self.options.secrets()
        if self.api_key:
            key = header_value(self.api_key, "api_key")
            self._headers["Authorization"] = f"Bearer {key}"
            self._secrets = (*sorted(forms(key), key=len, reverse=True), *self._secrets)
        self._client = new_client(self.options)

    async def call(self, method: str, path: str, json: dict[str, Any] | None = None) -> bytes:
        """The body of the answer to a plain request.

        Args:
            method: The HTTP method.
            path: The path behind the URL.
            json: What to send.

        Raises:
            TransportError: The gateway cannot be reached, or does not take the request now.
            ConfigError: It refuses what was sent.
            StoreError: It knows no such run.
        """
        try:
            with anyio.move_on_after(self.patience.silence):
                response = await self._client.request(
                    method, self.url + path, json=json, headers=self._headers, timeout=self._limits
                )
                if response.is_success:
                    return response.content
                raise refusal(response, response.content, self._context)
        except FOREIGN as error:
            raise self.foreign(error) from error
        raise self._silent()

    async def events(self, path: str, after: int) -> Connection:
        """Opens an event stream; errors as for `call`.

        Args:
            path: The path behind the URL.
            after: The number of the last event that is known, 0 for none.
        """
        stack = AsyncExitStack()
        try:
            with anyio.move_on_after(self.patience.silence):
                response = await self._open(stack, path, after)
                messages = await stack.enter_async_context(aclosing(response.aiter_sse()))
                return Connection(self, stack, messages)
            raise self._silent()
        except BaseException as error:
            await close(stack)
            if isinstance(error, FOREIGN):
                raise self.foreign(error) from error
            raise

    async def _open(self, stack: AsyncExitStack, path: str, after: int) -> EventSource:
        headers = {**self._headers, "Accept-Encoding": "identity"}
        if after:
            headers["Last-Event-ID"] = str(after)
        source = await stack.enter_async_context(
            aconnect_sse(
                self._client, "GET", self.url + path, headers=headers, timeout=self._limits
            )
        )
        response = source.response
        if not response.is_success:
            raise refusal(response, await response.aread(), self._context)
        kind = response.headers.get("content-type", "")
        if not kind.startswith("text/event-stream"):
            raise TransportError(
                f"{self.shown} answers with {kind!r} and not with events: is that the URL of"
                " `council serve`?",
                permanent=True,
            )
        return source

    def foreign(self, error: Exception) -> AgentError:
        """The council error for one of `FOREIGN`."""
        made = from_foreign(error, self._context)
        if not never_sent(error):
            return made
        permanent = isinstance(made, TransportError) and made.permanent
        text = f"{made}: is `council serve` running there?"
        return NotReached(text, permanent=permanent, endpoint=self.shown)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    def _silent(self) -> TransportError:
        return TransportError(f"no answer from {self.shown} within {self.patience.silence:g} s")

    @property
    def _limits(self) -> httpx.Timeout:
        # How long silence may last is minded here, under asyncio and trio alike.
        return httpx.Timeout(None, connect=self.patience.connect)

    @property
    def _context(self) -> CallContext:
        return CallContext("", self.shown, "", self.patience.connect, self._secrets)


async def close(stack: AsyncExitStack) -> None:
    """Lets go of a response, cancelled or not."""
    with suppress(*FOREIGN), anyio.move_on_after(_CLOSE_SECONDS, shield=True):
        await stack.aclose()
