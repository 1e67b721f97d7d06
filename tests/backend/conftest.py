"""Models of random weights and running servers, shared by the backend's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.backend.random_model import Shape, write_model
from tests.backend.serving import Server, client, running


@pytest.fixture
def anyio_backend() -> str:
    """The backend is an asyncio program, and so are its tests."""
    return "asyncio"


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of model files: see each shape for what it does."""
    folder = tmp_path_factory.mktemp("models")
    # Writes any bytes, until a limit.
    write_model(folder / "bytes.gguf", Shape())
    # Writes ASCII for ever, slowly enough to be caught at it.
    write_model(folder / "endless.gguf", Shape(ctx=65536, width=128, layers=4, ascii_only=True))
    # Writes ASCII; a context that is soon full.
    write_model(folder / "short.gguf", Shape(ctx=96, ascii_only=True, template=None))
    return folder


@pytest.fixture(scope="module")
def endless(models: Path) -> Iterator[Server]:
    """A server whose model writes until it is stopped."""
    with running("--model", str(models / "endless.gguf"), "--ctx", "65536") as server:
        yield server


@pytest.fixture(scope="module")
def pair(models: Path) -> Iterator[Server]:
    """A server with two models: "bytes" and, with a small context, "org/short"."""
    arguments = ["--model", str(models / "bytes.gguf"), "--model", f"{models}/short.gguf=org/short"]
    with running(*arguments, "--ctx", "2048") as server:
        yield server


@pytest.fixture(scope="module")
def server(endless: Server) -> Server:
    """The server of ``web``: ``endless``, where a module has none of its own."""
    return endless


@pytest.fixture
async def web(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client of ``server``."""
    async with client(server) as found:
        yield found


@pytest.fixture
async def web_pair(pair: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client of ``pair``."""
    async with client(pair) as found:
        yield found
