"""The server that misbehaves on command: by the model's name, by a script, in a thread, by hand."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from council.agents.openai_http import OpenAIHTTPAgent
from council.errors import AgentError, AgentTimeout, StreamError, TransportError
from council.limits import Timeouts
from council.messages import ChatMessage, ChatRequest
from council.testing import (
    BEHAVIOURS,
    QUIRK_NAMES,
    RawServer,
    Request,
    misbehaving_server,
    whole_reply,
)
from council.testing.behaviours import TEXTS
from tests.support.collect import collect, text

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest("", (ChatMessage("user", "hi"),))
PATIENT = Timeouts(connect=20.0, first_token=30.0, idle=30.0, total=60.0)
SAID = "".join(TEXTS)
WHOLE = {"whole", "closed", "slow-drip", "open-after-done", "reset-after-done"}
SILENT = {"silent": "first_token", "stall": "idle", "comments": "total"}


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def client(
    server: RawServer, model: str = "m", timeouts: Timeouts = PATIENT
) -> AsyncGenerator[OpenAIHTTPAgent, None]:
    agent = OpenAIHTTPAgent("ada", model, server.url, timeouts=timeouts)
    try:
        yield agent
    finally:
        await agent.aclose()


async def ask(server: RawServer, model: str = "m", timeouts: Timeouts = PATIENT) -> str:
    async with client(server, model, timeouts) as agent:
        return text(await collect(agent, REQUEST))


@pytest.mark.parametrize("name", sorted(WHOLE))
async def test_whole_replies(name: str) -> None:
    async with misbehaving_server() as server:
        assert await ask(server, name) == SAID


async def test_no_text() -> None:
    async with misbehaving_server("no-text") as server:
        assert await ask(server) == ""


@pytest.mark.parametrize("name", SILENT)
async def test_silence(name: str) -> None:
    # Only the limit that is meant is short.
    limits = {"connect": 20.0, "first_token": 30.0, "idle": 30.0, "total": 60.0, SILENT[name]: 0.3}
    async with misbehaving_server() as server:
        with pytest.raises(AgentTimeout) as caught:
            await ask(server, name, Timeouts(**limits))
    assert caught.value.limit == SILENT[name]


@pytest.mark.parametrize("name", ["cut", "reset", "half-open", "garbage", "huge-frame"])
async def test_failures_after_some_text(name: str) -> None:
    async with misbehaving_server() as server:
        with pytest.raises(StreamError) as caught:
            await ask(server, name)
        assert caught.value.partial == TEXTS[0]
        with anyio.fail_after(30):
            await server.wait_closed()
        assert server.open == 0


@pytest.mark.parametrize(
    ("name", "status"), [("busy", 429), ("refused", 400), ("bad-gateway", 502)]
)
async def test_refusals(name: str, status: int) -> None:
    async with misbehaving_server() as server:
        with pytest.raises(TransportError) as caught:
            await ask(server, name)
    assert caught.value.status == status
    assert caught.value.retry_after == (1 if name == "busy" else None)


@pytest.mark.parametrize("name", ["hang-up", "no-http"])
async def test_failures_without_a_reply(name: str) -> None:
    async with misbehaving_server() as server:
        with pytest.raises(AgentError) as caught:
            await ask(server, name)
    assert caught.value.partial == ""


def test_every_behaviour_is_tested() -> None:
    others = {"no-text", "cut", "reset", "half-open", "garbage", "huge-frame", "hang-up", "no-http"}
    refusals = {"busy", "refused", "bad-gateway"}
    assert {*WHOLE, *SILENT, *others, *refusals, *QUIRK_NAMES} == set(BEHAVIOURS)


async def test_a_script_is_taken_in_turn_and_its_last_reply_stays() -> None:
    def by_question(request: Request) -> str:
        return "whole" if request.json["messages"][0]["content"] == "hi" else "busy"

    async with misbehaving_server("refused", whole_reply("mine"), by_question) as server:
        with pytest.raises(TransportError, match="no such model"):
            await ask(server)
        assert [await ask(server) for _ in range(3)] == ["mine", SAID, SAID]
        assert len(server.requests) == 4
        assert server.requests[0].json["model"] == "m"


async def test_an_unknown_behaviour_is_an_error() -> None:
    with pytest.raises(ValueError, match="no behaviour 'stal': did you mean 'stall'"):
        async with misbehaving_server("stal"):
            pass


async def test_an_unknown_model_is_told_the_behaviours() -> None:
    async with misbehaving_server() as server:
        with pytest.raises(TransportError, match=r"name of a behaviour.*whole") as no:
            await ask(server, "nothing")
    assert no.value.status == 404


async def test_in_a_thread_for_clients_that_block() -> None:
    async with misbehaving_server("whole", in_thread=True) as server:
        # Nothing of this event loop runs meanwhile.
        assert b"The sum" in posted(f"{server.url}/v1")
        assert await ask(server) == SAID
        assert len(server.requests) == 2
        with anyio.fail_after(30):
            await server.wait_closed()


def posted(url: str) -> bytes:
    with urllib.request.urlopen(f"{url}/chat/completions", data=b"{}", timeout=60) as response:
        body: bytes = response.read()
        return body


def test_by_hand() -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-m", "council.testing.server", "--behaviour", "whole"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("listening on ").strip()
        assert b"The sum" in posted(url)
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert complaint == ""


def test_the_list_of_behaviours() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "council.testing.server", "--list"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(BEHAVIOURS)


async def test_models_are_listed() -> None:
    def get(url: str) -> list[str]:
        with urllib.request.urlopen(url, timeout=60) as response:
            return [model["id"] for model in json.load(response)["data"]]

    async with misbehaving_server() as server:
        listed = await anyio.to_thread.run_sync(get, f"{server.url}/v1/models")
    assert listed == list(BEHAVIOURS)
