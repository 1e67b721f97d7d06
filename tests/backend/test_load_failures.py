"""Why a model is not there, in plain words, where people look: /health and standard error."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backend.lora import write_lora
from tests.backend.random_model import Shape, write_model
from tests.backend.serving import Server, ask, client

pytestmark = pytest.mark.anyio


async def told(server: Server, model: str) -> list[str]:
    """What /health, standard error and a request say of a model that is not there."""
    async with client(server) as web:
        listed = (await web.get("/health")).json()["models"]
        (error,) = [entry["error"] for entry in listed if entry["id"] == model]
        response = await web.post("/v1/chat/completions", json=ask(model=model))
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "model_failed"
    line = server.lines[-1].split(f"{model}: ", 1)[1]
    return [error, line, response.json()["error"]["message"]]


async def failing(path: Path, *arguments: str) -> list[str]:
    """As ``told``, of a server that is told to go on without any model."""
    server = Server("--model", f"{path}=broken", "--exit-with-parent", *arguments)
    try:
        server.ready()
        return await told(server, "broken")
    finally:
        server.close()


async def test_a_file_that_is_cut(models: Path, tmp_path: Path) -> None:
    content = (models / "bytes.gguf").read_bytes()
    path = tmp_path / "cut.gguf"
    path.write_bytes(content[: len(content) // 2])
    for text in await failing(path):
        assert "the file is incomplete or damaged: fetch it again" in text


async def test_an_architecture_that_is_not_supported(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.gguf"
    path.write_bytes((models / "bytes.gguf").read_bytes().replace(b"llama", b"lamma"))
    for text in await failing(path):
        assert "does not know its architecture" in text
        assert "'lamma'" in text


async def test_too_little_memory(tmp_path: Path) -> None:
    path = write_model(tmp_path / "large.gguf", Shape(width=512))
    for text in await failing(path, "--ctx", str(1 << 24), "--parallel", "1"):
        assert "there is not enough memory: choose a smaller --ctx" in text


async def test_a_wrong_adapter_and_a_right_one(models: Path, tmp_path: Path) -> None:
    right = write_lora(tmp_path / "right.gguf")
    wrong = write_lora(tmp_path / "wrong.gguf", width=32)
    model = models / "bytes.gguf"
    specs = ["--model", f"{model}=good", "--model", f"{model}=broken"]
    server = Server(*specs, "--lora", f"good={right}:0.5", "--lora", f"broken={wrong}").ready()
    try:
        for text in await told(server, "broken"):
            assert f"LoRA {wrong}: it was made for another model" in text
        async with client(server) as web:
            response = await web.post("/v1/chat/completions", json=ask(model="good", max_tokens=3))
        assert response.status_code == 200
    finally:
        server.close()
