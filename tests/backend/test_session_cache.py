"""Long prompts that outlive the server, through real processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.backend.random_model import Shape, write_model
from tests.backend.serving import Server, ask, client, gone, health, running

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
LONG = "A beginning that is long enough to be worth keeping. " * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@contextmanager
def serving(model: Path, folder: Path, *arguments: str) -> Iterator[Server]:
    line = ["--model", str(model), "--ctx", "4096", "--cache-dir", str(folder), *arguments]
    with running(*line) as server:
        yield server


async def answer(server: Server, prompt: str, **fields: object) -> tuple[str, int]:
    """The likeliest answer, and how many tokens of the prompt were not computed."""
    async with client(server) as web:
        fields = {"temperature": 0, "max_tokens": 16, "cache_prompt": True, **fields}
        body: dict[str, Any] = (await web.post(CHAT, json=ask(prompt, **fields))).json()
    cached: int = body["usage"]["prompt_tokens_details"]["cached_tokens"]
    return body["choices"][0]["message"]["content"], cached


def stop(server: Server) -> None:
    server.process.terminate()
    assert server.wait() == 0


def kept(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.council-kv"))


async def test_a_long_prompt_outlives_the_server(models: Path, folder: Path) -> None:
    model = models / "bytes.gguf"
    with serving(model, folder) as server:
        first = await answer(server, LONG)
        assert first[1] == 0
        stop(server)
    assert len(kept(folder)) == 1
    with serving(model, folder) as server:
        text, cached = await answer(server, LONG)
        assert text == first[0]
        assert cached > 1000
        # Another end: what is shared is taken all the same.
        other = await answer(server, LONG + "But this is new.")
        assert other[1] > 1000
        assert len(server.lines) == 2, server.lines
    with running("--model", str(model), "--ctx", "4096") as server:
        assert await answer(server, LONG + "But this is new.") == (other[0], 0)


async def test_a_conversation_is_kept_once_and_short_prompts_are_not(
    models: Path, folder: Path
) -> None:
    with serving(models / "bytes.gguf", folder) as server:
        await answer(server, "short")
        for length in (400, 800, 1000):
            await answer(server, LONG[:length])
        stop(server)
    assert len(kept(folder)) == 1


async def test_a_killed_server_loses_nothing_either(models: Path, folder: Path) -> None:
    model = models / "bytes.gguf"
    with serving(model, folder) as server:
        await answer(server, LONG)
        async with client(server) as web:
            worker = (await health(web))["pid"]
        server.process.kill()
        await gone(worker)
    with serving(model, folder) as server:
        assert (await answer(server, LONG))[1] > 1000


async def test_a_killed_worker_finds_what_was_written_when_it_was_quiet(
    models: Path, folder: Path
) -> None:
    with serving(models / "bytes.gguf", folder) as server:
        await answer(server, LONG)
        async with client(server) as web:
            while not kept(folder):
                worker = (await health(web))["pid"]
        os.kill(worker, signal.SIGKILL)
        await gone(worker)
        assert (await answer(server, LONG))[1] > 1000


async def test_what_is_evicted_comes_back(models: Path, folder: Path) -> None:
    """More prompts than the cells hold, one after the other, without a quiet second."""
    with serving(models / "bytes.gguf", folder, "--parallel", "2") as server:
        first = await answer(server, LONG)
        for number in range(3):
            await answer(server, f"{number} " + LONG)
        text, cached = await answer(server, LONG)
        assert (text, cached > 1000) == (first[0], True)


async def test_another_model_or_another_cache_takes_nothing(tmp_path: Path, folder: Path) -> None:
    model = write_model(tmp_path / "model.gguf", Shape(ctx=4096, ascii_only=True))
    with serving(model, folder) as server:
        await answer(server, LONG)
        stop(server)
    with serving(model, folder, "--cache-type-k", "f32") as server:
        assert (await answer(server, LONG))[1] == 0
    write_model(model, Shape(ctx=4096, ascii_only=True, seed=2))
    with serving(model, folder) as server:
        assert (await answer(server, LONG))[1] == 0


async def test_a_damaged_file_costs_a_line_in_the_log(models: Path, folder: Path) -> None:
    model = models / "bytes.gguf"
    with serving(model, folder) as server:
        expected = (await answer(server, LONG))[0]
        stop(server)
    (file,) = kept(folder)
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    file.write_bytes(raw)
    with serving(model, folder) as server:
        assert await answer(server, LONG) == (expected, 0)
        stop(server)
        assert any(f"{file} is not used" in line for line in server.lines), server.lines


async def test_a_folder_that_cannot_be_used_is_told(models: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    server = Server("--model", str(models / "bytes.gguf"), "--cache-dir", f"{tmp_path}/file")
    try:
        assert server.wait() == 2
        assert "that is no folder" in server.lines[0]
    finally:
        server.close()
    with serving(models / "bytes.gguf", tmp_path / "file" / "below") as server:
        assert (await answer(server, "hello"))[1] == 0
        assert any("no prompts are kept in" in line for line in server.lines)


async def test_a_request_that_is_to_be_repeatable_takes_nothing(models: Path, folder: Path) -> None:
    model = models / "bytes.gguf"
    for _ in range(2):
        with serving(model, folder) as server:
            assert (await answer(server, LONG, cache_prompt=None))[1] == 0
            stop(server)
    assert len(kept(folder)) == 1
