"""Several models with little room: loaded when asked, the longest unused out, nobody cut short."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from backend.engine.messages import Load
from backend.memory import needed
from tests.backend.random_model import Shape, write_model
from tests.backend.serving import Server, ask, client, until

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
NAMES = ("endless", "bytes", "short")


@pytest.fixture(scope="module")
def server(models: Path) -> Iterator[Server]:
    """Three models, of which one may be loaded; any of them may be there."""
    found = start(models, "--models-max", "1")
    yield found
    found.close()


@pytest.fixture
def fresh(models: Path) -> Iterator[Server]:
    """As ``server``, for one test alone: nobody has asked for anything."""
    found = start(models, "--models-max", "1")
    yield found
    found.close()


def start(models: Path, *arguments: str) -> Server:
    specs = [part for name in NAMES for part in ("--model", f"{models}/{name}.gguf")]
    return Server(*specs, "--ctx", "8192", *arguments).ready()


async def chat(web: httpx.AsyncClient, model: str, status: int = 200) -> httpx.Response:
    response = await web.post(CHAT, json=ask(model=model, max_tokens=2))
    assert response.status_code == status, response.text
    return response


async def statuses(web: httpx.AsyncClient) -> dict[str, str]:
    listed = (await web.get("/v1/models")).json()["data"]
    return {model["id"]: model["status"] for model in listed}


@asynccontextmanager
async def streaming(web: httpx.AsyncClient, model: str) -> AsyncIterator[AsyncIterator[str]]:
    """An answer under way: its lines, the first of which has come."""
    async with web.stream("POST", CHAT, json=ask(model=model, stream=True)) as response:
        lines = response.aiter_lines()
        assert json.loads((await anext(lines)).removeprefix("data: "))["choices"]
        yield lines


async def waiting(web: httpx.AsyncClient, model: str, requests: int = 1) -> None:
    """Returns when so many requests wait for a model."""
    await until(web, lambda found: found["queued"] == requests, NAMES.index(model))


async def test_nothing_is_loaded_before_it_is_asked(models: Path, fresh: Server) -> None:
    assert "(on demand: endless, bytes, short)" in fresh.lines[0]
    async with client(fresh) as web:
        body = (await web.get("/health")).json()
        assert set((await statuses(web)).values()) == {"unloaded"}
    assert body["status"] == "ready"
    assert {model["pid"] for model in body["models"]} == {None}
    assert {model["id"]: model["memory"] for model in body["models"]} == memory(models)


async def test_the_next_model_takes_the_place_of_the_last(web: httpx.AsyncClient) -> None:
    for name in (*NAMES, "bytes"):
        assert (await chat(web, name)).json()["model"] == name
        assert await statuses(web) == {**dict.fromkeys(NAMES, "unloaded"), name: "ready"}


async def test_loading_is_seen_while_a_request_waits(tmp_path: Path) -> None:
    # A file that takes a moment to be read.
    large = write_model(tmp_path / "large.gguf", Shape(width=512, layers=6))
    server = Server("--model", str(large), "--models-max", "1").ready()
    try:
        async with client(server) as web, asyncio.TaskGroup() as group:
            answered = group.create_task(chat(web, "large"))
            await until(web, lambda found: found["status"] == "loading")
            await until(web, lambda found: found["status"] == "ready" and found["progress"] == 1)
            await answered
    finally:
        server.close()


async def test_the_longest_unused_goes_first(models: Path) -> None:
    server = start(models, "--models-max", "2")
    try:
        async with client(server) as web:
            for name in ("endless", "bytes", "endless", "short"):
                await chat(web, name)
            assert await statuses(web) == {
                "endless": "ready",
                "bytes": "unloaded",
                "short": "ready",
            }
    finally:
        server.close()


async def test_a_model_in_use_stays_and_nobody_starves(web: httpx.AsyncClient) -> None:
    order: list[str] = []

    async def ask_for(model: str) -> None:
        await chat(web, model)
        order.append(model)

    async with asyncio.TaskGroup() as group, streaming(web, "endless") as lines:
        group.create_task(ask_for("bytes"))
        await waiting(web, "bytes")
        # It comes later than a request for another model, so it has to wait for that one.
        group.create_task(ask_for("endless"))
        await waiting(web, "endless")
        for _ in range(40):
            line = await anext(lines)
            assert "error" not in line
        assert await statuses(web) == {
            "endless": "ready",
            "bytes": "unloaded",
            "short": "unloaded",
        }
        assert order == []
    assert order == ["bytes", "endless"]


async def test_who_leaves_while_waiting_holds_up_nobody(web: httpx.AsyncClient) -> None:
    async with streaming(web, "endless") as lines:
        impatient = asyncio.create_task(chat(web, "bytes"))
        await waiting(web, "bytes")
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        await waiting(web, "bytes", 0)
        await anext(lines)
        # The model is wanted by nobody else any more, so it takes requests beside the stream.
        await chat(web, "endless")
        assert (await statuses(web))["bytes"] == "unloaded"


async def test_many_requests_for_all_models_at_once(web: httpx.AsyncClient) -> None:
    asked = list(NAMES) * 6
    answers = await asyncio.gather(*(chat(web, name) for name in asked))
    assert [answer.json()["model"] for answer in answers] == asked
    loaded = [name for name, status in (await statuses(web)).items() if status == "ready"]
    assert len(loaded) == 1


async def test_vectors_load_a_model_too(web: httpx.AsyncClient) -> None:
    await chat(web, "short")
    response = await web.post("/v1/embeddings", json={"model": "bytes", "input": "a text"})
    assert response.status_code == 200
    assert (await statuses(web))["bytes"] == "ready"


async def test_a_worker_that_dies_comes_back(web: httpx.AsyncClient) -> None:
    await chat(web, "bytes")
    pid = (await web.get("/health")).json()["models"][1]["pid"]
    os.kill(pid, signal.SIGKILL)
    await until(web, lambda found: found["status"] == "ready" and found["pid"] != pid, 1)
    await chat(web, "bytes")
    await chat(web, "short")


async def test_a_stop_ends_those_who_wait(fresh: Server) -> None:
    async with client(fresh) as web, streaming(web, "endless"):
        refused = asyncio.create_task(chat(web, "bytes", 503))
        await waiting(web, "bytes")
        fresh.process.terminate()
        response = await refused
    assert response.json()["error"]["code"] == "shutting_down"
    assert fresh.wait() == 0
    assert len(fresh.lines) == 2, fresh.lines


async def test_a_memory_limit(models: Path) -> None:
    sizes = memory(models)
    # Room for the largest of them, or for the two others.
    limit = max(sizes["endless"], sizes["bytes"] + sizes["short"])
    server = start(models, "--models-max-memory", str(limit))
    try:
        async with client(server) as web:
            for name in ("endless", "bytes", "short"):
                await chat(web, name)
            assert await statuses(web) == {
                "endless": "unloaded",
                "bytes": "ready",
                "short": "ready",
            }
            await chat(web, "endless")
            assert await statuses(web) == {
                "endless": "ready",
                "bytes": "unloaded",
                "short": "unloaded",
            }
    finally:
        server.close()


async def test_a_model_that_never_fits_says_so(models: Path) -> None:
    sizes = memory(models)
    limit = sizes["endless"] - 1
    server = start(models, "--models-max-memory", str(limit))
    try:
        assert "failed to load: endless: it needs about" in server.lines[1]
        async with client(server) as web:
            await chat(web, "bytes")
            response = await chat(web, "endless", 503)
        error = response.json()["error"]
        assert error["code"] == "model_failed"
        assert "--models-max-memory allows" in error["message"]
    finally:
        server.close()


def memory(models: Path) -> dict[str, int]:
    """What each model needs."""
    return {name: needed(Load(f"{models}/{name}.gguf", 8192, 8, 1, -1)) for name in NAMES}


async def test_a_file_that_was_mended_is_loaded_the_next_time(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "mended.gguf"
    content = (models / "bytes.gguf").read_bytes()
    path.write_bytes(content[: len(content) // 2])
    server = Server("--model", str(path), "--models-max", "1").ready()
    try:
        async with client(server) as web:
            for _ in range(2):
                response = await chat(web, "mended", 503)
                assert "the file is incomplete or damaged" in response.json()["error"]["message"]
            health = (await web.get("/health")).json()
            assert health["models"][0]["status"] == "failed"
            assert "incomplete or damaged" in health["models"][0]["error"]
            path.write_bytes(content)
            await chat(web, "mended")
        assert sum("mended: cannot be loaded: the file" in line for line in server.lines) == 2
    finally:
        server.close()
