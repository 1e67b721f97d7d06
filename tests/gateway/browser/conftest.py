"""One browser for all tests of a module."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from tests.gateway.browser.visits import ARGUMENTS, CHROMIUM, WITHOUT


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Playwright knows asyncio alone; a fixture of a module needs one for the whole module."""
    return "asyncio"


@pytest.fixture(scope="module")
async def browser(anyio_backend: str) -> AsyncIterator[Browser]:
    """The system's Chromium; without one the test is skipped."""
    if CHROMIUM is None:
        pytest.skip(WITHOUT)
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield opened
        finally:
            await opened.close()
