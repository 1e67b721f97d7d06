"""Keys, rates and an orderly end, as clients of the real server see them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.backend.serving import ROOT, Server, ask, client, gone, health, running

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
ANN = {"Authorization": "Bearer secret-of-ann"}


@pytest.fixture(scope="module")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ann may ask for as much as she likes, Bob for few tokens, Eve for many."""
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text(
        "ann: secret-of-ann\n"
        "bob: secret-of-bob tokens-per-minute=200\n"
        "eve: secret-of-eve tokens-per-minute=100000\n"
    )
    file.chmod(0o600)
    return file


@pytest.fixture(scope="module")
def locked(models: Path, keys_file: Path) -> Iterator[Server]:
    """A server with keys."""
    arguments = ["--api-keys-file", str(keys_file), "--access-log", "json"]
    with running("--model", f"{models}/endless.gguf", "--ctx", "65536", *arguments) as server:
        yield server


def key_of(name: str) -> dict[str, str]:
    return {"x-api-key": f"secret-of-{name}"}


async def events(response: httpx.Response) -> list[Any]:
    """What a stream said, but for its end."""
    lines = [line.removeprefix("data: ") async for line in response.aiter_lines() if line]
    return [json.loads(line) for line in lines if line != "[DONE]"]


async def test_without_a_key_each_api_refuses_in_its_own_words(locked: Server) -> None:
    async with client(locked) as web:
        assert (await web.get("/health")).status_code == 200
        for path in (CHAT, "/v1/embeddings", "/models/unload", "/v1/nothing", "/openapi.json"):
            response = await web.post(path, json=ask())
            assert response.status_code == 401
            assert response.headers["www-authenticate"].startswith("Bearer")
            assert response.json()["error"]["code"] == "invalid_api_key"
        for path in ("/v1/messages", "/v1/messages/count_tokens"):
            body = (await web.post(path, json={}, headers={"x-request-id": "me"})).json()
            assert (body["type"], body["error"]["type"]) == ("error", "authentication_error")
            assert body["request_id"] == "me"


async def test_openais_client_knows_the_refusals(locked: Server) -> None:
    async def say(key: str) -> str | None:
        base = f"{locked.url}/v1"
        async with openai.AsyncOpenAI(api_key=key, base_url=base, max_retries=0) as sdk:
            answer = await sdk.chat.completions.create(
                model="endless", messages=[{"role": "user", "content": "x"}], max_tokens=4
            )
        return answer.choices[0].message.content

    assert await say("secret-of-ann")
    with pytest.raises(openai.AuthenticationError):
        await say("wrong")
    body = ask(stream=True)
    async with (
        client(locked) as web,
        # Bob has fewer tokens than an answer without a limit is taken for: they are all set aside.
        web.stream("POST", CHAT, json=body, headers=key_of("bob")) as response,
    ):
        assert response.headers["x-ratelimit-remaining-tokens"] == "0"
        with pytest.raises(openai.RateLimitError) as refused:
            await say("secret-of-bob")
    assert refused.value.response.headers["retry-after"] == "1"
    assert "200 tokens a minute" in refused.value.message
    assert refused.value.code == "rate_limit_exceeded"


async def test_tokens_are_paid_for_as_they_were_used(locked: Server) -> None:
    async with client(locked) as web:
        response = await web.post(CHAT, json=ask(max_tokens=50, n=2), headers=key_of("eve"))
        used = response.json()["usage"]["total_tokens"]
        assert used > 100
        body = ask(stream=True)
        async with web.stream("POST", CHAT, json=body, headers=key_of("eve")) as response:
            assert int(response.headers["x-ratelimit-remaining-tokens"]) < 100_000 - 256
            lines = response.aiter_lines()
            for _ in range(20):
                await anext(lines)
        cut = json.loads(locked.wait_for('"key": "eve".*"cut": true').string)
        whole, again = [fact for fact in noted_by(locked) if fact["key"] == "eve"]
        assert (whole["tokens"], whole["cut"]) == (used, False)
        assert cut == again
        assert cut["tokens"] > 10


def noted_by(server: Server) -> list[dict[str, Any]]:
    """The lines of the access log so far."""
    return [json.loads(line) for line in server.lines if line.startswith("{")]


async def test_embeddings_are_paid_for(locked: Server) -> None:
    async with client(locked) as web:
        body = {"model": "endless", "input": ["some text", "more"]}
        response = await web.post("/v1/embeddings", json=body, headers={**ANN, "x-request-id": "v"})
        found = json.loads(locked.wait_for('"id": "v"').string)
        assert found["tokens"] == response.json()["usage"]["total_tokens"]


async def test_keys_are_read_again_on_a_signal(models: Path, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("ann: secret-of-ann")
    file.chmod(0o600)
    arguments = ["--model", "builtin:sage", "--api-keys-file", str(file)]
    with running(*arguments) as server:
        async with client(server) as web:
            file.write_text("bob: secret-of-bob")
            server.process.send_signal(signal.SIGHUP)
            server.wait_for("the keys were read again, there are 1")
            assert (await web.get("/v1/models", headers=ANN)).status_code == 401
            assert (await web.get("/v1/models", headers=key_of("bob"))).status_code == 200
            file.chmod(0o644)
            server.process.send_signal(signal.SIGHUP)
            server.wait_for("the keys stay as they were: .*chmod 600")
            assert (await web.get("/v1/models", headers=key_of("bob"))).status_code == 200
        assert not [line for line in server.lines if "secret" in line]


async def test_workers_do_not_inherit_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNCIL_BACKEND_API_KEYS", "ann:secret-of-ann")
    with running("--model", "builtin:sage") as server:
        async with client(server) as web:
            assert (await web.get("/v1/models")).status_code == 401
            assert (await web.get("/v1/models", headers=ANN)).status_code == 200
            worker = (await health(web))["pid"]
        assert b"secret-of-ann" not in Path(f"/proc/{worker}/environ").read_bytes()


async def test_a_stream_in_flight_is_finished_before_the_end(models: Path) -> None:
    arguments = ["--model", f"{models}/endless.gguf", "--ctx", "65536", "--drain", "600"]
    with running(*arguments) as server:
        async with client(server) as web:
            (worker,) = [model["pid"] for model in (await web.get("/health")).json()["models"]]
            request = web.build_request("POST", CHAT, json=ask(stream=True, max_tokens=3000))
            response = await web.send(request, stream=True)
            lines = response.aiter_lines()
            for _ in range(6):
                await anext(lines)
            server.process.terminate()
            server.wait_for("finishing 1 requests, for 600 seconds at most")
            state = await web.get("/health")
            assert (state.status_code, state.json()["status"]) == (503, "draining")
            refused = await web.post(CHAT, json=ask())
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "shutting_down"
            assert refused.headers["connection"] == "close"
            rest = [line async for line in lines if line]
            await response.aclose()
        assert rest[-1] == "data: [DONE]"
        assert (
            json.loads(rest[-2].removeprefix("data: "))["choices"][0]["finish_reason"] == "length"
        )
        assert server.wait() == 0
        await gone(worker)


@pytest.mark.parametrize("how", ["second signal", "time", "parent"])
async def test_an_answer_without_end_is_ended(models: Path, how: str) -> None:
    drain = "0.01" if how == "time" else "600"
    arguments = ["--ctx", "65536", "--drain", drain, "--exit-with-parent"]
    with running("--model", f"{models}/endless.gguf", *arguments) as server:
        async with (
            client(server) as web,
            web.stream("POST", CHAT, json=ask(stream=True)) as response,
        ):
            lines = response.aiter_lines()
            await anext(lines)
            if how == "parent":
                assert server.process.stdin is not None
                server.process.stdin.close()
            else:
                server.process.send_signal(signal.SIGINT)
                server.wait_for("finishing 1 requests")
            if how == "second signal":
                server.process.send_signal(signal.SIGTERM)
            rest = [line async for line in lines if line]
        assert json.loads(rest[-1].removeprefix("data: "))["error"]["code"] == "shutting_down"
        assert server.wait() == 0


async def test_an_answer_that_takes_too_long_ends_with_an_error(models: Path) -> None:
    arguments = ["--ctx", "65536", "--request-timeout", "1"]
    with running("--model", f"{models}/endless.gguf", *arguments) as server:
        async with client(server) as web:
            pid = (await health(web))["pid"]
            response = await web.post(CHAT, json=ask())
            assert response.status_code == 504
            assert response.json()["error"]["code"] == "request_timeout"
            async with web.stream("POST", CHAT, json=ask(stream=True)) as stream:
                assert stream.status_code == 200
                found = await events(stream)
            assert found[-1]["error"]["code"] == "request_timeout"
            assert found[-2]["choices"]
            short = await web.post(CHAT, json=ask(max_tokens=1))
            assert short.status_code == 200
            assert (await health(web))["pid"] == pid


async def test_pages_reach_a_server_without_keys_only_by_its_own_names(endless: Server) -> None:
    async with client(endless) as web:
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
            response = await web.post(CHAT, json=ask(max_tokens=1), headers=headers)
            assert response.status_code == 403
            assert response.json()["error"]["type"] == "permission_error"


def test_a_server_for_everybody_warns() -> None:
    with running("--model", "builtin:sage", "--host", "0.0.0.0") as server:
        assert "warning: anybody who reaches http://0.0.0.0:" in server.lines[1]
        assert "--api-key" in server.lines[1]
    arguments = ["--host", "0.0.0.0", "--api-key", "secret-of-ann"]
    with running("--model", "builtin:sage", *arguments) as server:
        assert not [line for line in server.lines if "warning" in line]


def backend(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backend", *arguments],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_new_keys_are_printed_once(tmp_path: Path) -> None:
    one, two = backend("keys", "new"), backend("keys", "new")
    assert one.returncode == 0
    assert len(one.stdout.strip()) > 40
    assert one.stdout != two.stdout


def test_a_file_of_keys_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("ann: secret-of-ann")
    file.chmod(0o644)
    done = backend("--model", "builtin:sage", "--api-keys-file", str(file))
    assert done.returncode == 2
    assert f"run: chmod 600 {file}" in done.stderr
