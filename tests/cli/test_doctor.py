"""`council doctor` as a person meets it: a real process, its table, its exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
import yaml

from council.testing import (
    DONE,
    END,
    STREAM_HEAD,
    RawServer,
    Step,
    chunked,
    keep_alive,
    plain_reply,
    raw_server,
    sse,
    until_closed,
    unused_port,
    whole_reply,
)
from tests.support.anthropic_events import TEXT_REPLY
from tests.support.doctor import GOOD, NO_LIST, listing

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
DOCTOR = [sys.executable, "-m", "council.cli", "doctor"]
KEY = "key-0123456789"


async def doctor(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""

    def call() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*DOCTOR, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=60,
            check=False,
        )

    return await anyio.to_thread.run_sync(call)


def panel(folder: Path, *experts: dict[str, Any], **more: Any) -> str:
    """A panel file with these experts, all asking for the model `m`."""
    file = folder / "panel.yaml"
    entries = [{"model": "m", **expert} for expert in experts]
    file.write_text(yaml.safe_dump({"experts": entries, **more}))
    return str(file)


def lines(server: RawServer) -> list[str]:
    return [" ".join(request.line.split()[:2]) for request in server.requests]


async def only_finding(
    folder: Path, *replies: list[Step], code: int = 0, flags: tuple[str, ...] = (), **expert: Any
) -> dict[str, Any]:
    """What is found of a server that gives these replies."""
    async with raw_server(*replies) as server:
        file = panel(folder, {"endpoint": server.url, **expert})
        done = await doctor(file, "--json", *flags)
    assert done.stderr == ""
    assert done.returncode == code
    (finding,) = json.loads(done.stdout)
    return dict(finding)


async def test_a_good_panel(tmp_path: Path) -> None:
    async with raw_server(GOOD, listing("m", "n")) as server, raw_server(GOOD, NO_LIST) as other:
        expert = {"endpoint": server.url, "api_key": KEY}
        writer = {"model": "m", "endpoint": f"{other.url}/v4"}
        done = await doctor(panel(tmp_path, expert, expert, synthesizer=writer))
        assert lines(server) == ["POST /v1/chat/completions", "GET /v1/models"]
        assert lines(other) == ["POST /v4/chat/completions", "GET /v4/models"]
        sent = [request.headers.get("authorization") for request in server.requests]
        assert sent == [f"Bearer {KEY}"] * 2
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    head, first, second = done.stdout.splitlines()
    assert re.split("  +", head)[-3:] == ["first token", "tok/s", "notes"]
    assert re.split("  +", first)[:4] == ["A, B", "m", server.url, "ok"]
    assert re.split("  +", second)[:4] == ["synthesizer", "m", f"{other.url}/v4", "ok"]


async def test_one_small_request_is_made(tmp_path: Path) -> None:
    async with raw_server(GOOD, NO_LIST) as server:
        await doctor(panel(tmp_path, {"endpoint": server.url}))
        body = server.requests[0].json
    assert (body["model"], body["max_tokens"]) == ("m", 16)
    assert "OK" in body["messages"][0]["content"]
    assert len(server.requests) == 2


async def test_json_has_all_there_is_to_say(tmp_path: Path) -> None:
    finding = await only_finding(tmp_path, GOOD, listing("m"))
    assert 0 < finding["first_token"] < 30
    assert finding == {
        "experts": ["A"],
        "model": "m",
        "endpoint": finding["endpoint"],
        "state": "ok",
        "error": "",
        "advice": "",
        "first_token": finding["first_token"],
        "tokens_per_second": finding["tokens_per_second"],
        "notes": [],
        "dimensions": None,
        "seconds": None,
        "price": "",
        "key": "",
    }


async def test_the_embedder_is_examined_too(tmp_path: Path) -> None:
    vector = {"data": [{"embedding": [0.5, 0.25]}], "usage": {"prompt_tokens": 4}}
    embeds = plain_reply("200 OK", json.dumps(vector))
    async with raw_server(GOOD, NO_LIST) as server, raw_server(embeds) as other:
        embedder = {"model": "e5", "endpoint": other.url, "price": {"input": 0.02}}
        file = panel(tmp_path, {"endpoint": server.url}, embedder=embedder)
        done = await doctor(file)
        told = await doctor(file, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    *_, row = done.stdout.splitlines()
    assert row.split()[:4] == ["embedder", "e5", other.url, "ok"]
    assert re.search(r"2 dimensions in \d+\.\d\d s; \$0\.02 in and \$0 out", row)
    _, finding = json.loads(told.stdout)
    assert (finding["experts"], finding["dimensions"]) == (["embedder"], 2)
    assert 0 < finding["seconds"] < 30


async def test_a_refusal_is_not_ok(tmp_path: Path) -> None:
    said = sse({"choices": [{"index": 0, "delta": {"refusal": "I will not."}}]})
    finding = await only_finding(tmp_path, [STREAM_HEAD, chunked(said + DONE), END], code=1)
    assert (finding["state"], finding["error"]) == ("failed", "it refuses to answer: I will not.")


async def test_one_dead_endpoint_does_not_hide_the_others(tmp_path: Path) -> None:
    dead = f"http://127.0.0.1:{unused_port()}"
    async with raw_server(GOOD, NO_LIST) as server:
        done = await doctor(panel(tmp_path, {"endpoint": dead}, {"endpoint": server.url}))
    assert done.returncode == 1
    _, first, second = done.stdout.splitlines()
    assert first.split()[:4] == ["A", "m", dead, "failed"]
    assert f"could not connect to {dead}" in first
    assert "start the server, or check `endpoint`" in first
    assert second.split()[3] == "ok"


async def test_a_refused_key_is_not_shown(tmp_path: Path) -> None:
    refusal = plain_reply("401 Unauthorized", f'{{"error": {{"message": "bad key {KEY}"}}}}')
    async with raw_server(refusal) as server:
        done = await doctor(panel(tmp_path, {"endpoint": server.url, "api_key": KEY}))
    assert done.returncode == 1
    assert "HTTP 401" in done.stdout
    assert "check `api_key`" in done.stdout
    assert KEY not in done.stdout + done.stderr


async def test_a_key_in_the_query_is_not_shown_either(tmp_path: Path) -> None:
    for replies in ([GOOD, NO_LIST], [plain_reply("500 Oh", "{}"), NO_LIST]):
        async with raw_server(*replies) as server:
            file = panel(tmp_path, {"endpoint": f"{server.url}/v1?key={KEY}"})
            done = await doctor(file)
            assert all(KEY in request.line for request in server.requests)
        assert f"{server.url}/v1" in done.stdout
        assert KEY not in done.stdout + done.stderr


async def test_a_failing_server_is_asked_once(tmp_path: Path) -> None:
    async with raw_server(plain_reply("500 Oh", '{"error": "overheated"}')) as server:
        done = await doctor(panel(tmp_path, {"endpoint": server.url}))
        assert lines(server).count("POST /v1/chat/completions") == 1
    assert "overheated" in done.stdout
    assert "see the server's log" in done.stdout


async def test_a_stalled_server_fails_within_its_own_limits(tmp_path: Path) -> None:
    limits = {"first_token": "300ms"}
    finding = await only_finding(tmp_path, [until_closed], code=1, timeouts=limits)
    assert (finding["state"], finding["first_token"]) == ("failed", None)
    assert "limit 'first_token'" in finding["error"]
    assert "timeouts.first_token" in finding["advice"]


async def test_a_model_that_is_not_listed(tmp_path: Path) -> None:
    async with raw_server(GOOD, listing("llama3.2:1b", "mistral")) as server:
        done = await doctor(panel(tmp_path, {"endpoint": server.url, "model": "llama3.2"}))
    assert done.returncode == 0
    assert done.stdout.endswith("not in the server's list of models (near: llama3.2:1b)\n")


async def test_thorough(tmp_path: Path) -> None:
    finding = await only_finding(tmp_path, GOOD, NO_LIST, GOOD, flags=("--thorough",))
    assert finding["notes"] == [
        f"ignores `{knob}`" for knob in ("logprobs", "n", "response_format")
    ]


async def test_a_server_without_a_list_is_fine(tmp_path: Path) -> None:
    finding = await only_finding(tmp_path, GOOD, NO_LIST)
    assert (finding["state"], finding["notes"]) == ("ok", [])


async def test_no_usage_is_noted(tmp_path: Path) -> None:
    finding = await only_finding(tmp_path, whole_reply("OK"), NO_LIST)
    assert finding["notes"] == ["reports no usage: tokens are estimated"]


async def test_slow_is_later_than_half_of_what_is_allowed(tmp_path: Path) -> None:
    async def think() -> None:
        await anyio.sleep(1.1)

    limits = {"first_token": 2}
    finding = await only_finding(tmp_path, [think, *GOOD], NO_LIST, timeouts=limits)
    assert finding["state"] == "slow"
    assert finding["first_token"] > 1


async def test_other_kinds_are_asked_in_their_own_way(tmp_path: Path) -> None:
    reply: list[Step] = [STREAM_HEAD, chunked(TEXT_REPLY), END, keep_alive]
    async with raw_server(reply, listing("m")) as server:
        expert = {"endpoint": server.url, "kind": "anthropic", "api_key": KEY}
        done = await doctor(panel(tmp_path, expert))
        assert lines(server) == ["POST /v1/messages", "GET /v1/models?limit=1000"]
        assert [request.headers["x-api-key"] for request in server.requests] == [KEY, KEY]
        assert "anthropic-version" in server.requests[1].headers
    assert done.returncode == 0


async def test_the_built_in_models() -> None:
    done = await doctor("configs/panel.yaml", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    findings = json.loads(done.stdout)
    assert [finding["experts"] for finding in findings] == [["abacus"], ["atlas"], ["sage"]]
    for finding in findings:
        assert (finding["state"], finding["endpoint"]) == ("ok", None)
        # Not counting the start of the server and the loading of the model.
        assert 0 < finding["first_token"] < 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.yaml"], "nowhere.yaml: No such file"),
        ([], "Missing argument"),
        (["configs/panel.yaml", "--thorogh"], "No such option"),
    ],
)
async def test_usage_errors(arguments: list[str], message: str) -> None:
    done = await doctor(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


async def test_an_interrupt(tmp_path: Path) -> None:
    asked = anyio.Event()

    async def note() -> None:
        asked.set()

    async with raw_server([note, until_closed]) as server:
        process = subprocess.Popen(
            [*DOCTOR, panel(tmp_path, {"endpoint": server.url})],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        with anyio.fail_after(30):
            await asked.wait()
        process.send_signal(signal.SIGINT)
        out, err = await anyio.to_thread.run_sync(process.communicate)
    assert (process.returncode, out, err) == (130, "", "")
