"""The models over HTTP: what is told of them, loading, and unloading."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.backend.api.test_failures import CHAT, failure
from tests.backend.random_model import Shape, write_model
from tests.backend.serving import Server, ask, client, gone, health, running, until

pytestmark = pytest.mark.anyio
ODD = "org/team//a b.v1.5/load"
"""An id that a path can hold in more than one way."""


@pytest.fixture(scope="module")
def server(models: Path) -> Iterator[Server]:
    """Two models that are loaded from the start."""
    arguments = [
        "--model",
        f"{models}/endless.gguf=endless",
        "--model",
        f"{models}/bytes.gguf={ODD}",
    ]
    with running(*arguments, "--ctx", "65536") as found:
        yield found


async def change(web: httpx.AsyncClient, what: str, model: str | None) -> httpx.Response:
    return await web.post(f"/models/{what}", json={"model": model} if model else {})


async def changed(web: httpx.AsyncClient, what: str, model: str | None) -> dict[str, Any]:
    response = await change(web, what, model)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    assert body["success"] is True
    card: dict[str, Any] = body["model"]
    return card


async def status(web: httpx.AsyncClient, model: str) -> str:
    listed = (await web.get("/v1/models")).json()["data"]
    return next(str(card["status"]) for card in listed if card["id"] == model)


@asynccontextmanager
async def streaming(web: httpx.AsyncClient, model: str) -> AsyncIterator[AsyncIterator[str]]:
    """An answer under way."""
    async with web.stream("POST", CHAT, json=ask(model=model, stream=True)) as response:
        lines = response.aiter_lines()
        assert (await anext(lines)).startswith("data: ")
        yield lines


async def test_what_is_told_of_a_model(web: httpx.AsyncClient, models: Path) -> None:
    card = (await web.get("/v1/models/endless")).json()
    assert (card["id"], card["object"], card["status"]) == ("endless", "model", "ready")
    meta = card["meta"]
    assert meta["size"] == (models / "endless.gguf").stat().st_size
    assert (meta["n_ctx"], meta["n_ctx_train"], meta["n_embd"]) == (65536, 65536, 128)
    # In 32 bits each; the rest of the file is its header.
    assert 0.8 * meta["size"] < 4 * meta["n_params"] < meta["size"]
    assert meta["n_vocab"] == 259


async def test_both_lists_are_one(web: httpx.AsyncClient) -> None:
    listed = (await web.get("/v1/models")).json()
    assert [card["id"] for card in listed["data"]] == ["endless", ODD]
    assert (await web.get("/models")).json() == listed


@pytest.mark.parametrize("path", ["org/team//a%20b.v1.5/load", "org%2Fteam%2F%2Fa%20b.v1.5%2Fload"])
async def test_an_id_is_found_as_it_is_written(web: httpx.AsyncClient, path: str) -> None:
    assert (await web.get(f"/v1/models/{path}")).json()["id"] == ODD


@pytest.mark.parametrize("path", ["end", "endless/", "org/team/a%20b.v1.5/load", "ENDLESS", "%00"])
async def test_an_id_is_never_guessed(web: httpx.AsyncClient, path: str) -> None:
    error = failure(await web.get(f"/v1/models/{path}"), 404)
    assert error["code"] == "model_not_found"


async def test_a_model_is_unloaded_and_loaded(web: httpx.AsyncClient) -> None:
    worker = (await health(web, 1))["pid"]
    card = await changed(web, "unload", ODD)
    assert (card["id"], card["status"], card["meta"]["n_ctx"]) == (ODD, "unloaded", None)
    assert card["meta"]["size"] > 0
    await gone(worker)
    assert await status(web, ODD) == "unloaded"
    assert (await health(web, 1))["pid"] is None
    assert (await web.get("/health")).json()["status"] == "ready"
    card = await changed(web, "load", ODD)
    assert (card["status"], card["progress"]) == ("ready", 1)
    assert (await health(web, 1))["pid"] not in (None, worker)
    # Nothing happens where nothing has to.
    pid = (await health(web, 1))["pid"]
    assert (await changed(web, "load", ODD))["status"] == "ready"
    assert (await health(web, 1))["pid"] == pid


async def test_a_request_loads_what_was_unloaded(web: httpx.AsyncClient) -> None:
    for _ in range(2):
        assert (await changed(web, "unload", ODD))["status"] == "unloaded"
    several = [web.post(CHAT, json=ask(model=ODD, max_tokens=2)) for _ in range(3)]
    for response in await asyncio.gather(*several):
        assert response.status_code == 200, response.text
    assert await status(web, ODD) == "ready"


async def test_a_model_that_answers_is_not_unloaded(web: httpx.AsyncClient) -> None:
    async with streaming(web, "endless") as lines:
        error = failure(await change(web, "unload", "endless"), 409)
        assert (error["code"], error["param"]) == ("model_in_use", "model")
        assert "not answered yet: 1" in error["message"]
        assert "error" not in await anext(lines)
        assert await status(web, "endless") == "ready"
        # The other one has nothing to do with it.
        await changed(web, "unload", ODD)
    await until(web, lambda found: found["active"] == found["queued"] == 0)
    assert (await changed(web, "unload", "endless"))["status"] == "unloaded"
    assert (await changed(web, "load", "endless"))["status"] == "ready"


async def test_which_model_has_to_be_said(web: httpx.AsyncClient) -> None:
    for what in ("load", "unload"):
        assert failure(await change(web, what, None), 400)["param"] == "model"
        assert failure(await change(web, what, "no/such"), 404)["code"] == "model_not_found"
        response = await web.post(f"/models/{what}", json={"model": 3})
        assert failure(response, 400)["param"] == "model"


async def test_who_leaves_does_not_stop_the_loading(tmp_path: Path) -> None:
    large = write_model(tmp_path / "large.gguf", Shape(width=512, layers=6))
    with running("--model", str(large)) as server:
        async with client(server) as web:
            await changed(web, "unload", None)
            leaver = asyncio.create_task(change(web, "load", None))
            await until(web, lambda found: found["status"] == "loading")
            leaver.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leaver
            await until(web, lambda found: found["status"] == "ready")
            # It may go while somebody leaves who has asked for that.
            leaver = asyncio.create_task(change(web, "unload", None))
            await until(web, lambda found: found["status"] != "ready")
            leaver.cancel()
            await asyncio.gather(leaver, return_exceptions=True)
            assert (await changed(web, "load", None))["status"] == "ready"


async def test_a_file_that_was_mended_is_loaded_when_told(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "mended.gguf"
    content = (models / "bytes.gguf").read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with running("--model", str(path), "--model", f"{models}/short.gguf") as server:
        async with client(server) as web:
            for _ in range(2):
                error = failure(await change(web, "load", "mended"), 503)
                assert error["code"] == "model_failed"
                assert "incomplete or damaged" in error["message"]
            assert await status(web, "mended") == "failed"
            path.write_bytes(content)
            assert (await changed(web, "load", "mended"))["status"] == "ready"


async def test_loading_makes_room_as_a_request_does(models: Path) -> None:
    arguments = ["--model", f"{models}/bytes.gguf", "--model", f"{models}/short.gguf"]
    with running(*arguments, "--models-max", "1") as server:
        async with client(server) as web:
            assert await status(web, "bytes") == await status(web, "short") == "unloaded"
            assert (await web.get("/v1/models/bytes")).json()["meta"]["n_params"] is None
            for there, away in (("bytes", "short"), ("short", "bytes"), ("bytes", "short")):
                await changed(web, "load", there)
                assert await status(web, there) == "ready"
                assert await status(web, away) == "unloaded"
            await changed(web, "unload", "bytes")
            response = await web.post(CHAT, json=ask(model="bytes", max_tokens=1))
            assert response.status_code == 200, response.text
