"""Fixtures for all tests. Async tests run under asyncio, and under trio too where marked."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """What async tests run under; a module overrides it to try both."""
    return "asyncio"
