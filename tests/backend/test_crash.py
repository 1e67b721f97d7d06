"""What a dying worker takes with it: its own requests in flight, and nothing else."""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import httpx
import pytest

from tests.backend.serving import Server, ask, client, health, running, until

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def two(models: Path) -> Iterator[Server]:
    """A server with "victim" and "other", of which each answers two at a time."""
    arguments = ["--model", f"{models}/endless.gguf=victim"]
    arguments += ["--model", f"{models}/endless.gguf=other"]
    with running(*arguments, "--ctx", "8192", "--parallel", "2") as server:
        yield server


@pytest.fixture
async def web(two: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client of ``two``."""
    async with client(two) as found:
        yield found


async def events(web: httpx.AsyncClient, model: str, begun: anyio.Event | None = None) -> list[str]:
    """All events of a stream; ``begun`` is set when it has some text."""
    found = []
    # The victim's must not end by itself while the others are still on their way.
    body = ask(model=model, stream=True, max_tokens=4000 if model == "victim" else 600)
    async with web.stream("POST", CHAT, json=body) as response:
        async for line in response.aiter_lines():
            if line:
                found.append(line.removeprefix("data: "))
            if begun and len(found) == 3:
                begun.set()
    return found


async def whole(web: httpx.AsyncClient, model: str) -> httpx.Response:
    return await web.post(CHAT, json=ask(model=model, max_tokens=4000))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
async def test_requests_in_flight_fail_and_those_of_others_do_not(
    web: httpx.AsyncClient, number: int
) -> None:
    """A stream, a whole answer and one that still waits for its turn; another model's stream."""
    streams: dict[str, list[str]] = {}
    answers: list[httpx.Response] = []
    begun = [anyio.Event(), anyio.Event()]

    async def stream(model: str, began: anyio.Event) -> None:
        streams[model] = await events(web, model, began)

    async def answer() -> None:
        answers.append(await whole(web, "victim"))

    before = [await health(web, model) for model in (0, 1)]
    pids = [model["pid"] for model in before]
    async with anyio.create_task_group() as group:
        group.start_soon(stream, "victim", begun[0])
        group.start_soon(stream, "other", begun[1])
        for began in begun:
            await began.wait()
        group.start_soon(answer)
        group.start_soon(answer)
        await until(web, lambda found: (found["active"], found["queued"]) == (2, 1))
        os.kill(pids[0], number)
    error = json.loads(streams["victim"][-1])["error"]
    assert error["code"] == "model_crashed"
    assert "[DONE]" not in streams["victim"]
    assert [response.status_code for response in answers] == [503, 503]
    assert {response.json()["error"]["code"] for response in answers} == {"model_crashed"}
    assert streams["other"][-1] == "[DONE]"
    assert len(streams["other"]) >= 600
    # A request waits for it only so long, and a busy machine takes its time.
    await until(web, lambda now: now["status"] == "ready" and now["pid"] not in (None, pids[0]))
    response = await web.post(CHAT, json=ask(model="victim", max_tokens=2))
    assert response.status_code == 200, response.text
    found = [await health(web, model) for model in (0, 1)]
    restarts = [now["restarts"] - then["restarts"] for now, then in zip(found, before, strict=True)]
    assert restarts == [1, 0]
    assert found[0]["pid"] != pids[0]
    assert found[1]["pid"] == pids[1]


def data(pid: int) -> int:
    """Bytes that a process may write to, whether it has yet or not."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[5]) * resource.getpagesize()


async def test_memory_that_runs_out(web: httpx.AsyncClient) -> None:
    """The worker may take no more: a prompt of some megabytes has no room to be read.

    One wide character makes Python keep four bytes for each of them.
    """
    pid, other = [(await health(web, model))["pid"] for model in (0, 1)]
    limit = data(pid) + (1 << 20)
    # Not RLIMIT_AS: the allocator has reserved addresses for more than a request needs.
    resource.prlimit(pid, resource.RLIMIT_DATA, (limit, limit))
    response = await web.post(CHAT, json=ask("word " * 1_500_000 + "😀", model="victim"))
    assert response.status_code == 503, response.text
    error = response.json()["error"]
    assert error["code"] == "model_crashed"
    assert "its worker process" in error["message"]
    for model in ("victim", "other"):
        response = await web.post(CHAT, json=ask(model=model, max_tokens=2))
        assert response.status_code == 200, response.text
    assert (await health(web, 1))["pid"] == other
