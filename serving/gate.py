"""The way into an app: every request passes here once, and no chunk of a response does."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from quart import Quart, Request, Response, current_app
from quart.globals import request_ctx

from serving import exchange as exchanges
from serving.access_log import line_of
from serving.accounts import Accounts, Rates, peer_of
from serving.drain import Drain
from serving.errors import Draining, KeyNeeded, NotWelcome, OutOfTime, Refusal
from serving.exchange import BYTES_PER_TOKEN, Exchange
from serving.keys import Key, Keys, sent_keys
from serving.options import Options
from serving.origins import cors_headers, preflight_headers, require_local

_EXTENSION = "serving"
_UNWANTED = 5.0
"""Seconds in which the body of a request that is refused has to arrive."""


class Gate:
    """Lets requests in or refuses them, and notes what became of them.

    Attributes:
        options: What was chosen.
        keys: Who may enter; without keys everybody.
        drain: The requests under way.
    """

    def __init__(
        self,
        options: Options,
        *,
        loopback: bool = False,
        open_paths: Collection[str] = ("/health",),
        clock: Callable[[], int] = time.monotonic_ns,
        keys: Keys | None = None,
    ) -> None:
        """Takes what was chosen.

        Args:
            options: The choices.
            loopback: Whether only this machine reaches the server.
            open_paths: What needs no key, is not limited and answers until the end.
            clock: Nanoseconds, for the rates.
            keys: Instead of those in the options.

        Raises:
            OptionError: The keys cannot be used.
        """
        self.options = options
        self.keys = options.load_keys() if keys is None else keys
        self.drain = Drain()
        self._loopback = loopback
        self._open = frozenset(open_paths) | ({"/metrics"} if options.open_metrics else frozenset())
        self._accounts = Accounts()
        self._clock = clock

    def reload(self) -> None:
        """Reads the file of keys again; requests under way go on.

        Raises:
            OptionError: It cannot be used; then the keys stay as they were.
        """
        self.keys = self.options.load_keys()

    def install(self, app: Quart) -> None:
        """Stands in front of all routes of an app, which has to have them already.

        What is refused is raised as a ``Refusal``: the app registers an error handler for it and
        so gives it the body its clients expect.
        """
        app.before_request(self._enter)
        app.before_websocket(self._refuse_websocket)
        app.after_request(self._begin_response)
        app.extensions[_EXTENSION] = self
        if self.options.request_timeout:
            for name, view in app.view_functions.items():
                app.view_functions[name] = self._timed(app.ensure_async(view))

    async def _enter(self) -> Response | None:
        """The first thing that happens to a request.

        Raises:
            Refusal: It goes no further.
        """
        request = request_ctx.request  # the proxy of that name is slow, and it is looked at often
        try:
            return self._decide(request)
        except Refusal:
            await _discard_body(request, self.options.max_body)
            raise

    def _decide(self, request: Request) -> Response | None:
        """Lets a request in; answers what only asks whether it may ask.

        Raises:
            Refusal: It goes no further.
        """
        exchange = self._begin(request)
        exchanges.begin(exchange)
        if self._loopback and not self.keys:
            require_local(
                *(request.method, request.headers.get("Host", ""), exchange.origin),
                *(self.options.hosts, self.options.origins),
            )
        if self._is_preflight(request):
            wanted = request.headers.get("Access-Control-Request-Headers")
            return Response("", 204, headers=preflight_headers(wanted))
        if request.path in self._open:
            return None
        if self.drain.draining:
            raise Draining
        self.drain.enter()
        exchanges.when_over(self.drain.leave)
        key = self._admit(request)
        exchange.key = key.name if key else ""
        self._charge(exchange, request, (key and key.rates) or self.options.rates)
        return None

    def _begin(self, request: Request) -> Exchange:
        headers = request.headers
        exchange = Exchange(
            exchanges.usable_id(headers.get("x-request-id")),
            request.remote_addr or "",
            request.method,
            request.path,
            headers.get("Origin"),
            keeps_body=self.options.log_prompts,
            clock=self._clock,
        )
        task = asyncio.current_task()
        assert task is not None
        # As ``when_over``, but what became of the task is told.
        task.add_done_callback(functools.partial(self._end, exchange))
        return exchange

    def _is_preflight(self, request: Request) -> bool:
        headers = request.headers
        if request.method != "OPTIONS" or "Access-Control-Request-Method" not in headers:
            return False
        allowed = cors_headers(self.options.origins, headers.get("Origin"))
        return "Access-Control-Allow-Origin" in allowed

    def _admit(self, request: Request) -> Key | None:
        """Whose key a request has; None where everybody may enter.

        Raises:
            KeyNeeded: It has none, or an unknown one.
        """
        if not self.keys:
            return None
        headers = request.headers
        given = sent_keys(headers.get("Authorization", ""), headers.get("x-api-key", ""))
        key = self.keys.find(given)
        if key is None:
            raise KeyNeeded(given=bool(given))
        return key

    def _charge(self, exchange: Exchange, request: Request, rates: Rates) -> None:
        """Counts a request, and takes its body for its tokens.

        Raises:
            RateExceeded: There is no room for it.
        """
        # Names of keys and addresses are kept apart: a key may be called 127.0.0.1.
        caller = f"key {exchange.key}" if exchange.key else peer_of(exchange.peer)
        account = self._accounts.of(caller, rates)
        if account is not None:
            exchange.account = account
            length = request.content_length or 0
            exchange.held = account.enter(length // BYTES_PER_TOKEN, self._clock())

    async def _begin_response(self, response: Response) -> Response:
        """Adds what belongs to every response."""
        exchange = exchanges.current()
        if exchange is None:
            return response
        exchange.status = response.status_code
        headers = response.headers
        headers["x-request-id"] = exchange.id
        for name, value in cors_headers(self.options.origins, exchange.origin).items():
            headers[name] = value
        if exchange.account is not None:
            for name, value in exchange.account.headers(self._clock()).items():
                headers[name] = value
        if limit := self.options.request_timeout:
            exchange.limit(limit - (time.perf_counter() - exchange.began), limit)
        return response

    def _end(self, exchange: Exchange, task: asyncio.Task[object]) -> None:
        form = self.options.access_log
        if form is not None:
            line = line_of(
                exchange, form, left=task.cancelled(), with_body=self.options.log_prompts
            )
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        exchange.close()

    def _timed(self, view: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """A route that has to begin its response in time."""
        limit = self.options.request_timeout

        @functools.wraps(view)
        async def timed(*args: object, **kwargs: object) -> Any:
            timer = asyncio.timeout(limit)
            try:
                async with timer:
                    return await view(*args, **kwargs)
            except TimeoutError as error:
                if timer.expired():
                    raise OutOfTime(limit) from error
                raise

        return timed

    async def _refuse_websocket(self) -> None:
        """What is said over a websocket would pass nobody here.

        Raises:
            NotWelcome: Always.
        """
        raise NotWelcome("This server has no websockets.")


async def _discard_body(request: Request, most: int) -> None:
    """Reads a body to its end: a client that is still sending when the connection closes never
    sees why it was refused.
    """
    if not (request.content_length or "Transfer-Encoding" in request.headers):
        return
    size = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_UNWANTED):
            async for piece in request.body:
                size += len(piece)
                if size > most:
                    return


def installed() -> Gate:
    """The gate in front of the current app."""
    found: Gate = current_app.extensions[_EXTENSION]
    return found
