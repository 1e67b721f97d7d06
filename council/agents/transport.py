"""The HTTP client that agents share."""

from __future__ import annotations

import asyncio

import httpx
import httpx_aiohttp


def new_client(*, trust_env: bool = True) -> httpx.AsyncClient:
    """A client without limits of its own: council's concurrency limit and clocks are the limits.

    Under asyncio it speaks through aiohttp, which spends less CPU per token than httpcore and
    does not lose a pool slot when a stream is cancelled twice; httpcore serves under trio.
    Must be called where an event loop runs.

    Args:
        trust_env: Go through the proxies that the environment names, as httpx does.
    """
    if _under_asyncio():
        # The transport takes None for aiohttp's default of 100 connections; 0 is "no limit".
        limits = httpx.Limits(max_connections=0, max_keepalive_connections=None)
        return httpx_aiohttp.HttpxAiohttpClient(limits=limits, timeout=None, trust_env=trust_env)
    return httpx.AsyncClient(
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        timeout=None,
        trust_env=trust_env,
    )


def _under_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
