"""Native code dies; the server does not."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest

from tests.backend.serving import Server, ask, client, health, running, until

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


@pytest.fixture
def fragile(models: Path) -> Iterator[Server]:
    """A server of its own for each test, to be hurt."""
    with running("--model", f"{models}/endless.gguf", "--ctx", "65536") as server:
        yield server


async def kill(web: httpx.AsyncClient, number: int = signal.SIGKILL) -> None:
    os.kill((await health(web))["pid"], number)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
async def test_a_stream_gets_a_typed_error_and_the_next_request_an_answer(
    fragile: Server, number: int
) -> None:
    async with client(fragile) as web:
        lines = []
        async with web.stream("POST", CHAT, json=ask(stream=True)) as response:
            async for line in response.aiter_lines():
                lines.append(line)
                if len(lines) == 6:
                    await kill(web, number)
        events = [line.removeprefix("data: ") for line in lines if line]
        assert "[DONE]" not in events
        error = json.loads(events[-1])["error"]
        assert error["code"] == "model_crashed"
        assert ("SIGSEGV" if number == signal.SIGSEGV else "killed") in error["message"]
        response = await web.post(CHAT, json=ask(max_tokens=3))
        assert response.status_code == 200, response.text
        assert (await health(web))["restarts"] == 1
        assert fragile.process.poll() is None


async def test_a_whole_answer_gets_a_typed_error(fragile: Server) -> None:
    async with client(fragile) as web, client(fragile) as watch:

        async def kill_when_active() -> None:
            await until(watch, lambda found: found["active"] == 1)
            await kill(watch)

        async with anyio.create_task_group() as group:
            group.start_soon(kill_when_active)
            response = await web.post(CHAT, json=ask())
        assert response.status_code == 503
        assert response.json()["error"]["code"] == "model_crashed"
        assert "retry-after" in response.headers


async def test_a_model_that_keeps_dying_is_given_up(fragile: Server) -> None:
    async with client(fragile) as web:
        pids = set()
        for _ in range(5):
            found = await until(
                web, lambda found: found["status"] == "ready" and found["pid"] not in pids
            )
            pids.add(found["pid"])
            os.kill(found["pid"], signal.SIGKILL)
        found = await until(web, lambda found: found["status"] == "failed")
        assert "crashed too often" in found["error"]
        assert found["pid"] is None
        response = await web.post(CHAT, json=ask())
        assert response.status_code == 503
        assert response.json()["error"]["code"] == "model_failed"
        overall = await web.get("/health")
        assert (overall.status_code, overall.json()["status"]) == (503, "failed")


async def test_an_answer_in_between_forgives_the_crashes(fragile: Server) -> None:
    async with client(fragile) as web:
        for _ in range(5):
            await kill(web)
            await until(web, lambda found: found["status"] != "ready")
            response = await web.post(CHAT, json=ask(max_tokens=1))
            assert response.status_code == 200, response.text
