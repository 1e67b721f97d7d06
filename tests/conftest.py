"""Fixtures for all tests. Async tests run under asyncio, and under trio too where marked."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

# A shell ignores interrupts for what it starts in the background, and children inherit that:
# the programs that tests interrupt would never end.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def anyio_backend() -> str:
    """What async tests run under; a module overrides it to try both."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _no_run_of_a_test_is_kept_with_the_users_own(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COUNCIL_STORE", str(tmp_path_factory.mktemp("store") / "runs.sqlite3"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_test_reads_the_users_own_panels_and_keys(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        yield
