"""`council.connect`: the panels of a gateway, asked as if they were here."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Unpack
from urllib.parse import urlencode

import anyio

from council.agents.transport import TransportOptions
from council.answer_form import AnswerForm
from council.limits import checked_limit
from council.remote.address import gateway_url, run_path
from council.remote.beginning import begin
from council.remote.entries import (
    Panels,
    RemoteEntry,
    RemotePanel,
    RemoteRecord,
    Runs,
    read_as,
)
from council.remote.feed import EventFeed
from council.remote.gateway import Gateway, Patience
from council.remote.question import body_of, form_of
from council.remote.run import RemoteRun
from council.remote.trying import patiently
from council.result import Result
from council.retry import RetryPolicy
from council.sources import AskOptions, Question

_RETRY = RetryPolicy(retries=6)
_FIRST_RETRIES = 2  # of what somebody waits for: a URL that is wrong is to be told soon


class Remote:
    """A gateway, ready to be asked any number of times and at the same time; see `connect`."""

    def __init__(self, gateway: Gateway, retry: RetryPolicy) -> None:
        self._gateway = gateway
        self._random = Random()
        self._again = retry
        self._first = replace(retry, retries=min(retry.retries, _FIRST_RETRIES))

    async def panels(self) -> tuple[RemotePanel, ...]:
        """The panels that the gateway serves; errors as for `ask`."""
        return read_as(Panels, await self._get("/council/panels"), self._gateway.shown).panels

    async def runs(self, limit: int = 50, before: str | None = None) -> tuple[RemoteEntry, ...]:
        """The runs that the gateway keeps for the key, the newest first; errors as for `ask`.

        Args:
            limit: How many at most.
            before: The id of a run; those that began before it.
        """
        wanted = {"limit": limit, **({"before": before} if before else {})}
        data = await self._get(f"/council/runs?{urlencode(wanted)}")
        return read_as(Runs, data, self._gateway.shown).runs

    async def run(self, id: str) -> RemoteRecord:
        """One run, with its result if it has one.

        Raises:
            StoreError: The gateway knows no such run, or it is not the key's.
            TransportError: The gateway cannot be reached.
        """
        return read_as(RemoteRecord, await self._get(run_path(id)), self._gateway.shown)

    async def cancel(self, id: str) -> None:
        """Ends a run that is under way; errors as for `run`."""

        async def end() -> bytes:
            return await self._gateway.call("POST", run_path(id, "cancel"))

        await patiently(end, self._first, self._random)

    @asynccontextmanager
    async def stream(
        self,
        question: Question,
        *,
        panel: str | None = None,
        continuing: str | None = None,
        detach: bool = False,
        **options: Unpack[AskOptions],
    ) -> AsyncGenerator[RemoteRun, None]:
        """Starts a run; iterate it for events, then read `result`. Leaving the block stops it.

        Args:
            question: As for `Council.stream`.
            panel: The panel's name at the gateway; may be left out where it serves one alone.
            continuing: The id of a run: ask with what was asked and answered up to it.
            detach: Leave the run to itself at the end of the block; `attach` comes back to it.
            options: As for `Council.stream`, but for tools, which no gateway can call.

        Raises:
            ConfigError: An argument cannot be used, or the gateway refuses it.
            TransportError: The gateway cannot be reached, or takes no run now.
        """
        form = form_of(options)
        body = body_of(question, panel, continuing, form, **options)
        run = self._watched(await begin(self._gateway, body, self._first, self._random), 0, form)
        try:
            yield run
        finally:
            await run.aclose(end_it=not detach)

    async def ask(
        self,
        question: Question,
        *,
        panel: str | None = None,
        continuing: str | None = None,
        **options: Unpack[AskOptions],
    ) -> Result:
        """Asks a panel and waits for its result; arguments as for `stream`.

        Raises:
            QuorumLost: Too few experts answered.
            LimitExceeded: A limit was reached before there was an answer.
            StrategyError: The strategy could not decide, or the answer does not have the form
                asked for.
            RunInterrupted: Somebody else ended the run, or the gateway ended.
            ConfigError: An argument cannot be used, or the gateway refuses it.
            TransportError: The gateway cannot be reached, or takes no run now.
            StreamError: It was lost while the run went on, and could not be reached again.
        """
        started = self.stream(question, panel=panel, continuing=continuing, **options)
        async with started as run:
            async for _ in run:
                pass
        if run.error is not None:
            raise run.error
        return run.result

    @asynccontextmanager
    async def attach(
        self, id: str, *, after: int = 0, response_format: type[Any] | None = None
    ) -> AsyncGenerator[RemoteRun, None]:
        """Watches a run from its beginning, whoever started it; leaving the block lets it go on.

        Args:
            id: The run's id.
            after: The number of the last event that is known, see `RemoteRun.number`.
            response_format: The pydantic model that the answer is to be an instance of.

        Raises:
            StoreError: While iterating: the gateway knows no such run, or it is not the key's.
        """
        form = form_of({"response_format": response_format})
        run = self._watched(id, after, form)
        try:
            yield run
        finally:
            await run.aclose(end_it=False)

    async def aclose(self) -> None:
        """Closes the connections; runs that are under way go on."""
        await self._gateway.aclose()

    def _watched(self, id: str, after: int, form: AnswerForm | None) -> RemoteRun:
        feed = EventFeed(self._gateway, id, after, self._again, self._random)
        return RemoteRun(id, self._gateway, feed, form)

    async def _get(self, path: str) -> bytes:
        async def get() -> bytes:
            return await self._gateway.call("GET", path)

        return await patiently(get, self._first, self._random)


@asynccontextmanager
async def connect(
    url: str,
    api_key: str | None = None,
    *,
    timeout: float = 30.0,
    connect_timeout: float = 5.0,
    retry: RetryPolicy = _RETRY,
    verify: bool | str | Path | ssl.SSLContext = True,
    proxy: str | None = None,
    trust_env: bool = True,
) -> AsyncGenerator[Remote, None]:
    """Makes a client of a gateway (`council serve`), and closes it at the end of the block.

    Nothing connects before the first question.

    Args:
        url: Where the gateway is: `http://localhost:8000`, or a path that ends in `/v1`.
        api_key: A key of the gateway's, if it wants one.
        timeout: Seconds in which it has to answer, or to say something while a run goes on: it
            sends a keep-alive every 12 seconds.
        connect_timeout: Seconds for a connection to stand.
        retry: How often in a row, and how patiently, a lost connection is opened again. A first
            request is tried at most three times.
        verify: Whose certificates are trusted: the usual authorities', those of a CA bundle or of
            a context, or anybody's.
        proxy: The URL of a proxy; the environment's is used where it names one.
        trust_env: Whether the environment may name proxies and certificates.

    Raises:
        ConfigError: An argument cannot be used.

    Example:
        >>> async with council.connect("http://localhost:8000") as gateway:
        ...     result = await gateway.ask("What is 17 + 25?", panel="panel")
    """
    checked_limit("timeout", "number of seconds", timeout)
    checked_limit("connect_timeout", "number of seconds", connect_timeout)
    patience = Patience(connect_timeout, timeout)
    options = TransportOptions(verify, proxy, trust_env)
    remote = Remote(Gateway(gateway_url(url), api_key, patience, options), retry)
    try:
        yield remote
    finally:
        with anyio.CancelScope(shield=True):
            await remote.aclose()
