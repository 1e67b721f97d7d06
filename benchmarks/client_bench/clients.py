"""Clients to compare: each opens once and then streams into receipts, one stream for each.

A client is an async context manager made from the endpoint; inside, it is called with the model to
ask for and the receipts to fill. Libraries are imported where they are used: a process has one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module

from benchmarks.client_bench.receipts import Receipt

Run = Callable[[str, list[Receipt]], Awaitable[None]]
Client = Callable[[str], AbstractAsyncContextManager[Run]]

# Name: module with the client, and the modules whose import is what using it costs.
CLIENTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "null": (__name__, "null", ("asyncio",)),
    "floor": (__name__, "floor", ("aiohttp", "jiter")),
    "httpx-sse": (__name__, "httpx_sse", ("httpx", "httpx_sse")),
    "openai": ("benchmarks.client_bench.sdk_clients", "openai_sdk", ("openai",)),
    "litellm": ("benchmarks.client_bench.sdk_clients", "litellm", ("litellm",)),
    "pydantic-ai": (
        "benchmarks.client_bench.sdk_clients",
        "pydantic_ai",
        ("pydantic_ai", "pydantic_ai.models.openai"),
    ),
    "council-agent": (
        "benchmarks.client_bench.council_clients",
        "council_agent",
        ("council.agents.openai_http",),
    ),
    "council-run": (
        "benchmarks.client_bench.council_clients",
        "council_run",
        ("council", "council.council", "council.agents.openai_http"),
    ),
}


def client(name: str) -> Client:
    """The client of that name; raises ImportError where its library is missing."""
    module, function, _ = CLIENTS[name]
    found: Client = getattr(import_module(module), function)
    return found


def body(model: str) -> dict[str, object]:
    """The request that all clients send, as far as they let one choose."""
    return {"model": model, "messages": [{"role": "user", "content": "?"}], "stream": True}


async def each(one: Callable[[Receipt], Awaitable[None]], receipts: list[Receipt]) -> None:
    """All streams at once; the first error ends the measurement."""
    await asyncio.gather(*map(one, receipts))


class _Discard(asyncio.Protocol):
    """Reads to the end of a chunked body and throws it away."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._tail = b""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._tail = (self._tail + data[-5:])[-5:]
        if self._tail == b"0\r\n\r\n":
            self._transport.close()
            self.ended.set_result(None)


@asynccontextmanager
async def null(url: str) -> AsyncGenerator[Run, None]:
    """Shows that the server is not the limit: no parsing, no hash."""
    port = int(url.split(":")[2].split("/")[0])

    async def run(model: str, receipts: list[Receipt]) -> None:
        content = json.dumps(body(model)).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(content)

        async def one(receipt: Receipt) -> None:
            loop = asyncio.get_running_loop()
            connect = loop.create_connection(lambda: _Discard(head + content), "127.0.0.1", port)
            _, protocol = await connect
            await protocol.ended

        await each(one, receipts)

    yield run


@asynccontextmanager
async def floor(url: str) -> AsyncGenerator[Run, None]:
    """The least that Python can do about it: aiohttp, split at blank lines, jiter."""
    import aiohttp
    import jiter

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def run(model: str, receipts: list[Receipt]) -> None:
            async def one(receipt: Receipt) -> None:
                async with session.post(f"{url}/chat/completions", json=body(model)) as response:
                    rest = b""
                    async for data in response.content.iter_any():
                        *events, rest = (rest + data).split(b"\n\n")
                        for event in events:
                            if event == b"data: [DONE]":
                                break
                            chunk = jiter.from_json(event[6:])
                            text = chunk["choices"][0]["delta"].get("content")
                            if text:
                                receipt.take(text)

            await each(one, receipts)

        yield run


@asynccontextmanager
async def httpx_sse(url: str) -> AsyncGenerator[Run, None]:
    """httpx with httpx-sse: what a program without an SDK is likely to use."""
    import httpx
    from httpx_sse import aconnect_sse

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=None) as session:

        async def run(model: str, receipts: list[Receipt]) -> None:
            async def one(receipt: Receipt) -> None:
                address = f"{url}/chat/completions"
                async with aconnect_sse(session, "POST", address, json=body(model)) as source:
                    async for event in source.aiter_sse():
                        if event.data == "[DONE]":
                            break
                        text = json.loads(event.data)["choices"][0]["delta"].get("content")
                        if text:
                            receipt.take(text)

            await each(one, receipts)

        yield run
