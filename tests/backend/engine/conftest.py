"""The native library, shared by the tests that call it in their own process."""

from __future__ import annotations

import pytest

from backend.engine.llama import Model, NativeLog
from backend.engine.messages import Load


@pytest.fixture(scope="module")
def log() -> NativeLog:
    """The log of this process, silenced."""
    return NativeLog()


@pytest.fixture(scope="module")
def model(load: Load, log: NativeLog) -> Model:
    """A module's model, loaded once."""
    return Model(load, log, lambda _: None)
