"""`council serve` as a process of its own: how it begins, what it refuses, how it ends."""

from __future__ import annotations

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
from httpx_sse import aconnect_sse

from council.store.store import Store
from council.testing import DONE, END, FINISH, STREAM_HEAD, Step, chunked, delta, raw_server
from tests.gateway.serving import PATIENCE, result_of

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
RUNS = "/v1/council/runs"


class Gateway:
    """A gateway in a process of its own, and what it writes to standard error."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "council", "serve", "--port", "0", *arguments],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self._arrived: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self.wait_for(r"listening on (http://\S+)")[1]

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())
            self._arrived.put(line.rstrip())
        self._arrived.put(None)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Waits for a line of standard error."""
        while (line := self._arrived.get(timeout=PATIENCE)) is not None:
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"the gateway ended without {pattern!r}: {self.lines}")

    def close(self) -> None:
        """Ends it, however it is."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self.process.stderr is not None
        self.process.stderr.close()


@contextmanager
def gateway(*arguments: str) -> Iterator[Gateway]:
    served = Gateway(*arguments)
    try:
        yield served
    finally:
        served.close()


@asynccontextmanager
async def slow_panel(folder: Path) -> AsyncIterator[tuple[Path, anyio.Event, anyio.Event]]:
    """A panel of one expert that says "It is ", is noticed, and goes on when it is let."""
    begun, go_on = anyio.Event(), anyio.Event()

    async def note() -> None:
        begun.set()

    begin: list[Step] = [STREAM_HEAD, chunked(delta("It is ")), note, go_on]
    rest: list[Step] = [chunked(delta("42.")), chunked(FINISH), chunked(DONE), END]
    async with raw_server([*begin, *rest]) as server:
        path = folder / "slow.yaml"
        expert = f"{{id: ada, model: m, endpoint: '{server.url}/v1'}}"
        path.write_text(f"experts: [{expert}]\nstrategy: first\n")
        yield path, begun, go_on


async def start(web: httpx.AsyncClient) -> str:
    begun = await web.post(RUNS, json={"question": "6 * 7?"})
    assert begun.status_code == 201, begun.text
    id: str = begun.json()["id"]
    return id


async def wait(process: subprocess.Popen[str]) -> int:
    return await anyio.to_thread.run_sync(process.wait, PATIENCE)


async def open_gateway(*arguments: str) -> Gateway:
    return await anyio.to_thread.run_sync(Gateway, *arguments)


@pytest.mark.parametrize("watched", [True, False])
async def test_it_finishes_what_runs_and_refuses_what_comes(watched: bool, tmp_path: Path) -> None:
    store = tmp_path / "runs.sqlite3"
    async with slow_panel(tmp_path) as (panel, begun, go_on):
        served = await open_gateway(str(panel), "--store", str(store))
        try:
            async with httpx.AsyncClient(base_url=served.url, timeout=PATIENCE) as web:
                id = await start(web)
                await begun.wait()
                async with watching(web, id, wanted=watched) as events:
                    served.process.send_signal(signal.SIGTERM)
                    line = await anyio.to_thread.run_sync(served.wait_for, "finishing .*")
                    what = "1 requests and 1 runs" if watched else "1 runs"
                    assert f"finishing {what}, for 30 seconds" in line.string
                    refused = await web.post(RUNS, json={"question": "7 * 7?"})
                    assert refused.status_code == 503
                    assert refused.json()["error"]["code"] == "shutting_down"
                    health = await web.get("/health")
                    assert (health.status_code, health.json()["status"]) == (503, "draining")
                    go_on.set()
                    seen = [event async for event in events.aiter_sse()] if events else []
            assert await wait(served.process) == 0
        finally:
            served.close()
    if watched:
        assert result_of(seen)["answer"] == "It is 42."
    with Store(store) as kept:
        assert (kept.run(id).status, kept.run(id).answer) == ("complete", "It is 42.")


@asynccontextmanager
async def watching(web: httpx.AsyncClient, id: str, *, wanted: bool) -> AsyncIterator[Any]:
    if not wanted:
        yield None
        return
    async with aconnect_sse(web, "GET", f"{RUNS}/{id}/events") as source:
        yield source


async def test_a_second_signal_ends_it_at_once_with_what_there_is(tmp_path: Path) -> None:
    store = tmp_path / "runs.sqlite3"
    async with slow_panel(tmp_path) as (panel, begun, _):
        served = await open_gateway(str(panel), "--store", str(store))
        try:
            async with httpx.AsyncClient(base_url=served.url, timeout=PATIENCE) as web:
                id = await start(web)
                await begun.wait()
                async with aconnect_sse(web, "GET", f"{RUNS}/{id}/events") as source:
                    stream = source.aiter_sse()
                    seen = [await anext(stream)]
                    while seen[-1].event != "expert.token":
                        seen.append(await anext(stream))
                    served.process.send_signal(signal.SIGTERM)
                    await anyio.to_thread.run_sync(served.wait_for, "finishing")
                    served.process.send_signal(signal.SIGTERM)
                    seen += [event async for event in stream]
            assert await wait(served.process) == 0
        finally:
            served.close()
    result = result_of(seen)
    assert (result["status"], result["error"]["kind"]) == ("failed", "interrupted")
    assert result["experts"][0]["text"] == "It is "
    with Store(store) as kept:
        assert kept.run(id).status == "interrupted"
        assert any('"It is "' in line for line in kept.lines(id))


def test_local_models_are_loaded_before_anybody_asks(tmp_path: Path) -> None:
    with gateway("@builtin", "--preload", "--no-store") as served:
        served.wait_for("panel panel: its local models are loaded")
        health = httpx.get(f"{served.url}/health").json()
        assert health["panels"] == [{"name": "panel", "local": "running"}]


def test_a_model_that_cannot_be_loaded_is_told_and_the_others_are_served(tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF and nothing more")
    panel = tmp_path / "bad.yaml"
    panel.write_text(f"experts: [{{model: {bad}}}]\n")
    with gateway(str(panel), "@builtin", "--preload", "--no-store") as served:
        warned = served.wait_for("warning: panel bad: .*")
        assert "bad.gguf could not be loaded" in warned.string
        assert httpx.get(f"{served.url}/health").status_code == 200


def test_whoever_listens_to_the_network_without_a_key_is_warned(tmp_path: Path) -> None:
    with gateway("@builtin", "--no-store", "--host", "0.0.0.0") as served:
        served.wait_for("warning: anybody who reaches http://0.0.0.0")
    keyed = ("--api-key", "ann:a-long-enough-key")
    with gateway("@builtin", "--no-store", "--host", "0.0.0.0", *keyed) as served:
        port = served.url.rpartition(":")[2]
        url = f"http://127.0.0.1:{port}/v1/models"
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, headers={"x-api-key": "a-long-enough-key"}).status_code == 200
        served.process.terminate()
        assert served.process.wait(PATIENCE) == 0
        assert not any("warning" in line for line in served.lines)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "council", "serve", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "the following arguments are required: CONFIG"),
        (("nobody.yaml",), "nobody.yaml"),
        (("configs/panel.yaml", "--port", "70000"), "--port must be between 0 and 65535"),
        (("configs/panel.yaml", "--max-runs", "0"), "--max-runs must be between 1"),
        (("configs/panel.yaml", "--api-key", "short"), "a key has at least"),
        (("configs/panel.yaml", "--sho", "experts"), "unrecognized arguments"),
        (("configs/panel.yaml", "@builtin", "--port", "0"), "two panels are called 'panel'"),
        (("a/b=@builtin",), "'a/b' cannot be a panel's name"),
        (("@builtin", "--no-store", "--store", "x"), "--store and --no-store exclude each other"),
        (("keys",), "council serve keys new prints a random key"),
        (("keys", "nwe"), "council serve keys nwe: council serve keys new prints"),
    ],
    ids=[
        *("no-panel", "no-file", "port", "runs", "key", "abbreviated", "twice"),
        *("slash", "stores", "keys", "keys-nwe"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_a_port_that_is_taken_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("@builtin", "--no-store", "--port", str(port))
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "choose another --port" in done.stderr


@pytest.mark.parametrize("store", ["folder", "no-database"])
def test_a_store_that_cannot_be_used_is_told_at_the_start(store: str, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no database, and longer than the first bytes of one: " * 40)
    before = text.read_bytes()
    path = text / "runs.sqlite3" if store == "folder" else text
    with gateway("configs/panel.yaml", "--store", str(path)) as served:
        assert any("warning: not kept" in line and str(path) in line for line in served.lines)
        assert httpx.get(f"{served.url}/health").json()["keeping"] is False
    assert text.read_bytes() == before


def test_an_address_of_another_machine_is_a_failure() -> None:
    done = run("@builtin", "--no-store", "--port", "0", "--host", "192.0.2.1")
    assert done.returncode == 1
    assert "--host takes an address of this machine" in done.stderr
    assert "choose another --port" not in done.stderr


def test_help_and_new_keys_need_no_panel() -> None:
    told = run("--help")
    assert told.returncode == 0
    for option in ("--api-keys-file", "--max-runs", "--queue", "--preload", "--drain", "--show"):
        assert option in told.stdout
    made = run("keys", "new")
    assert (made.returncode, len(made.stdout.split())) == (0, 1)
