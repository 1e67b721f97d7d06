"""Beginning and end: what the server prints, how it stops, and that nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.backend.serving import ROOT, Server, alive, ask, client, gone, health, running

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


async def pids(server: Server) -> list[int]:
    async with client(server) as web:
        body = (await web.get("/health")).json()
    return [model["pid"] for model in body["models"]]


def test_what_other_programs_read_from_standard_error(pair: Server) -> None:
    assert pair.lines == [
        f"council-backend: listening on {pair.url} (loading: bytes, org/short)",
        f"council-backend: ready on {pair.url}",
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_everything_cleanly(models: Path, number: int) -> None:
    with running("--model", f"{models}/endless.gguf", "--model", f"{models}/bytes.gguf") as server:
        workers = await pids(server)
        server.process.send_signal(number)
        assert server.wait() == 0
        for worker in workers:
            await gone(worker)
        assert len(server.lines) == 2, server.lines


async def test_open_streams_end_with_an_error(models: Path) -> None:
    with running("--model", f"{models}/endless.gguf", "--ctx", "65536") as server:
        lines = []
        async with (
            client(server) as web,
            web.stream("POST", CHAT, json=ask(model="endless", stream=True)) as response,
        ):
            async for line in response.aiter_lines():
                lines.append(line)
                if len(lines) == 6:
                    server.process.terminate()
        events = [line.removeprefix("data: ") for line in lines if line]
        assert json.loads(events[-1])["error"]["code"] == "shutting_down"
        assert server.wait() == 0
        assert len(server.lines) == 2, server.lines


async def test_nobody_waits_for_a_cache_to_be_written(models: Path, tmp_path: Path) -> None:
    """The worker is held while it should write: the stream ends all the same, then the server."""
    arguments = ["--model", f"{models}/endless.gguf", "--cache-dir", str(tmp_path)]
    with running(*arguments) as server:
        (worker,) = await pids(server)
        async with (
            client(server) as web,
            web.stream("POST", CHAT, json=ask(stream=True)) as response,
        ):
            lines = response.aiter_lines()
            await anext(lines)
            os.kill(worker, signal.SIGSTOP)
            server.process.terminate()
            rest = [line async for line in lines if line]
        assert alive(worker)
        os.kill(worker, signal.SIGCONT)
        assert json.loads(rest[-1].removeprefix("data: "))["error"]["code"] == "shutting_down"
        assert server.wait() == 0
        await gone(worker)


async def test_the_end_of_standard_input_ends_everything(models: Path) -> None:
    with running("--model", f"{models}/endless.gguf", "--exit-with-parent") as server:
        workers = await pids(server)
        assert server.process.stdin is not None
        server.process.stdin.close()
        assert server.wait() == 0
        for worker in workers:
            await gone(worker)


def start_parent(*arguments: str) -> subprocess.Popen[str]:
    """A process that starts the server as ``council`` does, and prints its id and its lines."""
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'backend', *sys.argv[1:]],\n"
        "    stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)\n"
        "for line in child.stderr:\n"
        "    print(child.pid, line, end='', flush=True)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


async def test_a_killed_parent_leaves_nothing_behind(models: Path) -> None:
    arguments = ["--model", f"{models}/endless.gguf", "--port", "0", "--exit-with-parent"]
    with start_parent(*arguments) as parent:
        assert parent.stdout is not None
        words = parent.stdout.readline().split()
        assert "ready on" in parent.stdout.readline()
        server = int(words[0])
        async with httpx.AsyncClient(base_url=words[4]) as web:
            worker = (await health(web))["pid"]
        parent.kill()
    await gone(server)
    await gone(worker)


async def test_a_killed_server_leaves_no_worker(models: Path) -> None:
    """Also while the worker is inside a native call."""
    with running("--model", f"{models}/endless.gguf", "--ctx", "65536") as server:
        (worker,) = await pids(server)
        async with client(server) as web:
            request = web.build_request("POST", CHAT, json=ask(stream=True))
            response = await web.send(request, stream=True)
            lines = response.aiter_lines()
            await anext(lines)
            server.process.kill()
            with pytest.raises(httpx.RemoteProtocolError):
                [line async for line in lines]
        await gone(worker)


async def test_a_broken_model_does_not_harm_the_others(models: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\xff" * 100)
    arguments = ["--model", str(broken), "--model", f"{models}/bytes.gguf", "--exit-with-parent"]
    with running(*arguments, "--model", str(tmp_path / "gone.gguf")) as server:
        assert "failed to load: broken: " in server.lines[-1]
        assert "failed to load: gone: there is no such file" in server.lines[-1]
        async with client(server) as web:
            response = await web.get("/health")
            body = response.json()
            assert (response.status_code, body["status"]) == (200, "degraded")
            assert [model["status"] for model in body["models"]] == ["failed", "ready", "failed"]
            answer = await web.post(CHAT, json=ask(model="bytes", max_tokens=1))
            assert answer.status_code == 200
            refusal = await web.post(CHAT, json=ask(model="gone"))
            assert refusal.status_code == 503
            assert "there is no such file" in refusal.json()["error"]["message"]


async def test_with_a_parent_a_server_without_models_stays_to_explain(tmp_path: Path) -> None:
    missing = str(tmp_path / "gone.gguf")
    with running("--model", missing, "--exit-with-parent") as server:
        async with client(server) as web:
            response = await web.get("/health")
            assert (response.status_code, response.json()["status"]) == (503, "failed")
            assert response.json()["models"][0]["error"] == "there is no such file"
        assert server.process.poll() is None


async def test_loading_is_told_and_refused(models: Path, tmp_path: Path) -> None:
    """A model file that is a pipe nobody writes to is never done loading."""
    pipe = tmp_path / "pipe.gguf"
    os.mkfifo(pipe)
    server = Server("--model", str(pipe), "--model", f"{models}/bytes.gguf")
    try:
        server.url = server.wait_for(r"listening on (http://\S+)")[1]
        async with client(server) as web:
            found = await health(web)
            assert (found["status"], found["error"]) == ("loading", None)
            response = await web.post(CHAT, json=ask(model="pipe"))
            assert response.status_code == 503
            assert response.json()["error"]["code"] == "model_loading"
            assert response.headers["retry-after"] == "1"
        server.process.terminate()
        assert server.wait() == 0
    finally:
        server.close()
