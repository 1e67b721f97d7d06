"""A person at the page: a browser that notes whatever must not happen, and scripted experts."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.abc
import pytest
from anyio.abc import ByteReceiveStream, ByteSendStream, SocketStream
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    expect,
)

from council.testing import misbehaving_server
from council.testing.frames import DONE, END, FINISH, STREAM_HEAD, chunked, delta, usage
from council.testing.steps import Request as Asked
from council.testing.steps import Step, keep_alive
from tests.gateway.serving import Site, gateway

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
WITHOUT = f"no browser is installed: none of {', '.join(NAMES)} is found"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SEATS = ("ada", "bob", "eve")
MARKS = [pytest.mark.anyio, pytest.mark.timeout(400)]
"""Of every module here: a browser has many processes, which a busy machine may hold up."""
_PATIENCE = 120_000.0
"""Milliseconds for what has to appear."""
_TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""
expect.set_options(timeout=_PATIENCE)


@dataclass
class Visit:
    """A page in a browser, and what it did.

    Attributes:
        page: The page.
        url: Where it came from.
        asked: The address of each request.
        complaints: Errors of scripts, violations of the policy, and what else the console had.
        forgiven: Parts of complaints that a test expects.
    """

    page: Page
    url: str
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    forgiven: Sequence[str] = ()

    def hear(self, message: ConsoleMessage) -> None:
        """Takes a line of the console."""
        if not any(part in message.text for part in self.forgiven):
            self.complaints.append(message.text)

    def note(self, request: Request) -> None:
        """Takes a request."""
        self.asked.append(request.url)

    async def ask(self, question: str, *, panel: str = "panel", strategy: str = "") -> None:
        """Asks from the form, as somebody without a mouse."""
        await self.page.goto(self.url)
        field = self.page.get_by_label("Ask the panel a question")
        await field.fill(question)
        await self.page.get_by_label("Panel", exact=True).select_option(panel)
        if strategy:
            await self.page.get_by_label("Strategy").select_option(strategy)
        await field.press("Control+Enter")
        await self.page.get_by_role("heading", level=1, name=question[:40]).wait_for()

    def card(self, name: str) -> Locator:
        """An expert's card."""
        return self.page.locator(".card").filter(has=self.page.get_by_role("heading", name=name))

    async def status(self, word: str) -> None:
        """Waits until the run is said to stand so."""
        await self.page.locator(".pill", has_text=word).wait_for()

    @property
    def answer(self) -> Locator:
        """The panel's answer."""
        return self.page.locator(".answer")


@asynccontextmanager
async def visiting(
    browser: Browser, url: str, *, forgiven: Sequence[str] = (), **options: Any
) -> AsyncIterator[Visit]:
    """A fresh browser at the page; fails at the end where anything happened that must not.

    Args:
        browser: The browser.
        url: The gateway's.
        forgiven: As for `Visit`.
        options: Of Playwright's `new_context`.
    """
    context: BrowserContext = await browser.new_context(locale="en-GB", **options)
    context.set_default_timeout(_PATIENCE)
    await context.add_init_script(_TELL_VIOLATIONS)
    try:
        page = await context.new_page()
        visit = Visit(page, f"{url}/", forgiven=forgiven)
        page.on("console", visit.hear)
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.on("request", visit.note)
        yield visit
        assert visit.complaints == []
        elsewhere = [at for at in visit.asked if not at.startswith((visit.url, f"blob:{url}"))]
        assert elsewhere == []
    finally:
        await context.close()


def said(*words: str | anyio.Event) -> list[Step]:
    """The steps of a reply; an event among its words has to be set before it goes on."""
    steps = [word if isinstance(word, anyio.Event) else chunked(delta(word)) for word in words]
    ended = [chunked(event) for event in (FINISH, usage(7, 5), DONE)]
    return [STREAM_HEAD, *steps, *ended, END, keep_alive]


Answering = Callable[[str], Sequence[Step]]
"""What an expert answers, by its name."""


@asynccontextmanager
async def asked_over_http(
    answering: Answering, *, endpoints: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[Site]:
    """A gateway whose panel's experts are models of a server under the test's control.

    Args:
        answering: What that server says.
        endpoints: Where else an expert is.
        options: Of the gateway.
    """

    def answer(request: Asked) -> Sequence[Step]:
        return answering(request.json["model"])

    async with misbehaving_server(answer) as server:
        seats = [
            {"id": id, "model": id, "endpoint": (endpoints or {}).get(id, f"{server.url}/v1")}
            for id in SEATS
        ]
        panel = {"experts": [{**seat, "retries": 0} for seat in seats], "strategy": "vote"}
        async with gateway({"panel": panel}, **options) as site:
            yield site


@asynccontextmanager
async def cuttable(port: int) -> AsyncIterator[tuple[str, Callable[[bool], None]]]:
    """Another way to a port of this machine, and a function that cuts it (True) or mends it."""
    scopes: set[anyio.CancelScope] = set()
    state = {"cut": False}

    def cut(now: bool) -> None:
        state["cut"] = now
        for scope in list(scopes) if now else ():
            scope.cancel()

    async def pump(source: ByteReceiveStream, target: ByteSendStream) -> None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for data in source:
                await target.send(data)
            await target.aclose()

    async def carry(client: SocketStream) -> None:
        with anyio.CancelScope() as scope:
            scopes.add(scope)
            async with client:
                if state["cut"]:
                    return
                async with (
                    await anyio.connect_tcp("127.0.0.1", port) as server,
                    anyio.create_task_group() as group,
                ):
                    group.start_soon(pump, client, server)
                    await pump(server, client)
                    group.cancel_scope.cancel()
        scopes.discard(scope)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, carry)
        found = listener.extra(anyio.abc.SocketAttribute.local_port)
        yield f"http://127.0.0.1:{found}", cut
        group.cancel_scope.cancel()
