"""`council models`: built in, files, servers on this machine, and the endpoints of a panel."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import anyio.to_thread
import pytest

from council.testing import plain_reply, raw_server
from tests.support.doctor import listing

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
URLS = ("OLLAMA_URL", "LMSTUDIO_URL", "LLAMA_SERVER_URL", "COUNCIL_GATEWAY_URL")
BUILTIN = ["builtin:abacus", "builtin:atlas", "builtin:chair", "builtin:sage"]


@pytest.fixture
def nobody() -> Iterator[str]:
    """The URL of a place where nobody listens."""
    with socket.socket() as taken:  # bound and not listening
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


async def models(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    run = partial(
        subprocess.run,
        [sys.executable, "-m", "council", "models", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **env},
        timeout=100,
        check=False,
    )
    return await anyio.to_thread.run_sync(run)


async def test_what_this_machine_has(tmp_path: Path, nobody: str) -> None:
    (tmp_path / "owner" / "repo").mkdir(parents=True)
    (tmp_path / "owner" / "repo" / "one.gguf").write_bytes(b"x" * 1500)
    for part in (1, 2):
        (tmp_path / f"two-0000{part}-of-00002.gguf").write_bytes(b"x" * 1000)
    (tmp_path / "three-00002-of-00002.gguf").touch()  # its first part is not there
    async with (
        raw_server(listing("llama3", "odd\x1b[2J")) as ollama,
        raw_server(plain_reply("401 Unauthorized", "")) as studio,
        raw_server(plain_reply("200 OK", "<html>")) as page,
    ):
        urls = (ollama.url, f"{studio.url}/v1", page.url, nobody)
        env = {"COUNCIL_MODELS": str(tmp_path), **dict(zip(URLS, urls, strict=True))}
        done = await models("--patience", "60", **env)
        asked = [server.requests[0].line for server in (ollama, studio, page)]
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "built in",
        *(f"  {name}" for name in BUILTIN),
        f"files  {tmp_path}",
        f"  {tmp_path}/owner/repo/one.gguf  1.5 kB",
        f"  {tmp_path}/two-00001-of-00002.gguf  2.0 kB",
        f"Ollama  {ollama.url}",
        "  llama3",
        "  odd",
        f"LM Studio  {studio.url}/v1",
        "  (no list: HTTP 401)",
        f"llama-server  {page.url}",
        "  (it lists no models)",
    ]
    assert done.stderr == f"not there: council serve ({nobody})\n"
    assert asked == ["GET /v1/models HTTP/1.1"] * 3


async def test_who_is_off_is_one_quiet_line(tmp_path: Path, nobody: str) -> None:
    done = await models(COUNCIL_MODELS=str(tmp_path), **dict.fromkeys(URLS, nobody))
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["built in", *(f"  {name}" for name in BUILTIN)]
    none, off = done.stderr.splitlines()
    assert none == f"no model files in {tmp_path}: council pull REPO"
    assert off.startswith(f"not there: Ollama ({nobody}), LM Studio (")


async def test_a_server_that_says_nothing_is_left_after_its_time(
    tmp_path: Path, nobody: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connects, and never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        env = {**dict.fromkeys(URLS, nobody), "OLLAMA_URL": url, "COUNCIL_MODELS": str(tmp_path)}
        done = await models("--patience", "0.2", "--json", **env)
    said = json.loads(done.stdout)
    assert said["builtin"] == BUILTIN
    assert said["files"] == []
    assert [one["answered"] for one in said["servers"]] == [False] * 4
    assert said["servers"][0] == {
        "name": "ollama",
        "url": url,
        "names": [],
        "problem": "no list within 0.2 s",
        "answered": False,
    }


async def test_a_url_that_is_none_is_told(tmp_path: Path, nobody: str) -> None:
    env = {**dict.fromkeys(URLS, nobody), "OLLAMA_URL": "nonsense", "COUNCIL_MODELS": str(tmp_path)}
    done = await models("--json", **env)
    assert done.returncode == 0
    problem = json.loads(done.stdout)["servers"][0]["problem"]
    assert problem.startswith("the endpoint is not an http(s) URL")


async def test_of_a_panel_each_endpoint_with_the_experts_models_marked(
    tmp_path: Path, nobody: str
) -> None:
    async with raw_server(listing("a", "b", "c")) as server:
        panel = tmp_path / "panel.yaml"
        panel.write_text(
            "experts:\n"
            f"  - {{model: a, endpoint: '{server.url}', api_key: sk-12345678}}\n"
            f"  - {{model: a, endpoint: '{server.url}', api_key: sk-12345678}}\n"
            f"  - {{model: d, endpoint: '{server.url}', api_key: sk-12345678}}\n"
            f"  - {{model: b, endpoint: ['{nobody}'], id: far}}\n"
            "  - {model: builtin:sage}\n"
            f"synthesizer: {{model: c, endpoint: '{server.url}', api_key: sk-12345678}}\n"
        )
        done = await models(str(panel))
        keys = [request.headers["authorization"] for request in server.requests]
        as_json = await models(str(panel), "--json")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[:5] == [server.url, "  a  * A, B", "  b", "  c  * synthesizer", nobody]
    assert "connection refused" in lines[5]
    assert len(lines) == 6
    assert done.stderr == "council: warning: C: d is not in the server's list of models\n"
    assert keys == ["Bearer sk-12345678"]
    first, second = json.loads(as_json.stdout)
    assert first["used"] == {"a": ["A", "B"], "d": ["C"], "c": ["synthesizer"]}
    assert first["names"] == ["a", "b", "c"]
    assert second["answered"] is False
    assert "sk-12345678" not in done.stdout + as_json.stdout


async def test_a_panel_of_local_models_and_one_that_is_none() -> None:
    done = await models("@builtin")
    assert (done.returncode, done.stdout) == (0, "")
    assert "served here" in done.stderr
    done = await models("nobody")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no panel is called 'nobody'" in done.stderr
