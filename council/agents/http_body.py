"""Reading a response's body under a clock, and letting go of it whatever happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import cast

import anyio
import httpx

from council.agents.http_errors import FOREIGN
from council.agents.lean_http import LeanBody
from council.agents.stream_body import QUOTED_BYTES, excerpt
from council.agents.transport import under_asyncio
from council.agents.watchdog import Watchdog, watchdog
from council.errors import StreamError
from council.limits import ProgressClock

_DRAIN_SECONDS = 0.1
_TAIL_SECONDS = 1.0
_EXCERPT_SECONDS = 2.0
_CLOSE_SECONDS = 1.0


class ResponseBody:
    """The body of a response under way.

    Attributes:
        response: Its status and headers.
        clock: Follows the reply's progress; whoever finds a token tells it.
    """

    def __init__(
        self,
        response: httpx.Response,
        data: AsyncGenerator[bytes, None],
        clock: ProgressClock,
        watchdog: Watchdog,
    ) -> None:
        self.response = response
        self.clock = clock
        self._data = data
        self._watchdog = watchdog

    async def read(self, *, may_break: bool = False) -> bytes | None:
        """The next bytes, None at the end.

        Args:
            may_break: The reply is whole: a connection that breaks or a server that says nothing
                more for a second is an end like any other.

        Raises:
            AgentTimeout: A limit passed first.
        """
        if may_break:
            return await self._read_tail()
        with self._watchdog:
            try:
                return await self._data.__anext__()
            except StopAsyncIteration:
                return None

    async def _read_tail(self) -> bytes | None:
        try:
            with anyio.move_on_after(_TAIL_SECONDS):
                return await anext(self._data, None)
        except FOREIGN:
            pass
        return None

    async def drain(self) -> None:
        """Reads to the end, so that the connection can be used again.

        Closing before the chunked terminator was read would cost the connection; a server that
        keeps the stream open is not waited for.
        """
        if self._at_end():
            return
        try:
            # Shielded: a deadline that passes just now must not cost a reply that is whole.
            with anyio.move_on_after(_DRAIN_SECONDS, shield=True):
                while await anext(self._data, None) is not None:
                    pass
        except FOREIGN:
            pass

    def _at_end(self) -> bool:
        stream = self.response.stream
        return isinstance(stream, LeanBody) and stream.at_end

    async def excerpt(self) -> bytes:
        """The beginning of the body, for an error."""
        body = b""
        # A body that stalls must not hide the status that came before it.
        with anyio.move_on_after(_EXCERPT_SECONDS):
            while len(body) < QUOTED_BYTES:
                data = await self.read(may_break=True)
                if data is None:
                    break
                body += data
        return body

    async def require_no_page(self) -> None:
        """Raises StreamError where a gateway answered with a page of its own.

        Some servers send a wrong type with a right stream, or none: only HTML is refused here.
        """
        content_type = self.response.headers.get("content-type", "")
        if "html" in content_type:
            page = excerpt(await self.excerpt())
            raise StreamError(
                f"expected an event stream, got HTTP {self.response.status_code} with"
                f" {content_type!r} (is the endpoint right?): {page}"
            )


def _body(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """The body's bytes, uncompressed.

    Under asyncio a body that nobody compressed, as was asked for, is taken from the transport:
    httpx has two more generators in the way that would each be resumed for every token.
    """
    compressed = response.headers.get("content-encoding", "identity") != "identity"
    stream = response.stream
    if under_asyncio() and not compressed and isinstance(stream, httpx.AsyncByteStream):
        return cast(AsyncGenerator[bytes, None], aiter(stream))
    return cast(AsyncGenerator[bytes, None], response.aiter_bytes())


@asynccontextmanager
async def open_body(
    client: httpx.AsyncClient, request: httpx.Request, clock: ProgressClock
) -> AsyncGenerator[ResponseBody, None]:
    """Sends a request and closes its response at the end of the block, cancelled or not."""
    guard = watchdog(clock)
    try:
        with guard:
            response = await client.send(request, stream=True)
    except BaseException:
        guard.close()
        raise
    try:
        async with aclosing(_body(response)) as data:
            yield ResponseBody(response, data, clock, guard)
    finally:
        guard.close()
        if not (isinstance(response.stream, LeanBody) and response.stream.let_go()):
            await _close(response)


async def _close(response: httpx.Response) -> None:
    # Shielded: in a cancelled task any await would raise again and leave the socket open.
    with anyio.move_on_after(_CLOSE_SECONDS, shield=True):
        await response.aclose()
