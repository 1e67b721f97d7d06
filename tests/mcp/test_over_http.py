"""`council mcp --http`, with the SDK's own client, and whom it lets in."""

from __future__ import annotations

import re
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from council.testing import (
    STREAM_HEAD,
    Step,
    chunked,
    delta,
    raw_server,
    until_closed,
    whole_reply,
)
from tests.mcp.served import MODES, PATIENCE, Heard, Place, line_of, process, texts

pytestmark = pytest.mark.anyio


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@asynccontextmanager
async def served(place: Place, *arguments: str, **variables: str) -> AsyncGenerator[str, None]:
    """The URL of the command, which is ended in order at the end of the block."""
    async with process(place, *arguments, "--http", "--port", "0", **variables) as started:
        line = await line_of(started.stderr)
        found = re.search(r"listening on (\S+)", line)
        assert found, line
        yield found[1]
        started.send_signal(signal.SIGTERM)
        with anyio.fail_after(PATIENCE):
            out, err = await started.communicate()
        assert started.returncode == 0, err
        assert not out
        assert b"Traceback" not in err, err


@asynccontextmanager
async def client_of(url: str, mode: str = "auto", key: str = "") -> AsyncGenerator[Client, None]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=PATIENCE, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


@pytest.mark.parametrize("mode", MODES)
async def test_a_client_lists_calls_and_is_told_the_progress(place: Place, mode: str) -> None:
    async with raw_server(whole_reply("Tokyo.")) as server:
        panel = place.panel("capital", server.url, server.url)
        async with served(place, f"wise={panel}") as url, client_of(url, mode) as client:
            listed = await client.list_tools()
            heard = Heard()
            answered = await client.call_tool(
                "ask_panel", {"question": "?", "panel": "wise"}, progress_callback=heard
            )
            explained = await client.call_tool("explain_run", {})
    assert [tool.name for tool in listed.tools] == ["ask_panel", "explain_run", "list_panels"]
    assert texts(answered)[0] == "Tokyo."
    assert [message[2:] for message in heard.messages if "has answered" in message] == [
        " has answered (1 of 2)",
        " has answered (2 of 2)",
    ]
    assert heard.values[-1] == heard.totals[-1] == 3
    assert explained.structured_content is not None
    assert explained.structured_content["panel"] == "wise"


@pytest.mark.parametrize("mode", MODES)
async def test_a_cancelled_call_stops_the_run(place: Place, mode: str) -> None:
    asked = anyio.Event()

    async def arrived() -> None:
        asked.set()

    endless: list[Step] = [arrived, STREAM_HEAD, chunked(delta("Tokyo")), until_closed]
    async with raw_server(endless) as server:
        panel = place.panel("slow", server.url)
        async with served(place, panel) as url, client_of(url, mode) as client:

            async def ask() -> None:
                await client.call_tool("ask_panel", {"question": "?"}, progress_callback=Heard())

            with anyio.fail_after(PATIENCE):
                async with anyio.create_task_group() as group:
                    group.start_soon(ask)
                    await asked.wait()
                    group.cancel_scope.cancel()
                await server.wait_closed()
                assert (await client.list_tools()).tools


async def test_the_end_stops_what_runs(place: Place) -> None:
    asked = anyio.Event()

    async def arrived() -> None:
        asked.set()

    endless: list[Step] = [arrived, STREAM_HEAD, chunked(delta("Tokyo")), until_closed]
    async with raw_server(endless) as server, anyio.create_task_group() as group:
        panel = place.panel("slow", server.url)
        answers: list[CallToolResult] = []

        async def ask(url: str) -> None:
            async with client_of(url) as client:
                answers.append(await client.call_tool("ask_panel", {"question": "?"}))

        async with served(place, panel) as url:
            group.start_soon(ask, url)
            await asked.wait()
        with anyio.fail_after(PATIENCE):
            await server.wait_closed()
    (answer,) = answers
    assert answer.is_error
    assert "the server ends, and has stopped run" in texts(answer)[0]


async def test_keys_open_the_door_and_keep_runs_apart(place: Place) -> None:
    async with raw_server(whole_reply("Tokyo.")) as server:
        panel = place.panel("capital", server.url)
        given = (panel, "--api-key", "me:sk-secret-one")
        async with served(place, *given, COUNCIL_API_KEYS="you:sk-secret-two") as url:
            async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as web:
                refused = await web.post(url, json={})
                wrong = await web.post(url, json={}, headers={"x-api-key": "sk-secret-none"})
            async with client_of(url, key="sk-secret-one") as mine:
                await mine.call_tool("ask_panel", {"question": "?"})
                own = await mine.call_tool("explain_run", {})
            async with client_of(url, key="sk-secret-two") as yours:
                others = await yours.call_tool("explain_run", {})
    assert (refused.status_code, wrong.status_code) == (401, 401)
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert "An API key is missing" in refused.json()["error"]["message"]
    assert "not known" in wrong.json()["error"]["message"]
    assert not own.is_error
    assert others.is_error
    assert "no run is known yet" in texts(others)[0]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Host": "box.lan:8001"}, 200),
        ({"Origin": "http://localhost:5173"}, 200),
    ],
    ids=["host", "origin", "allowed-host", "own-page"],
)
async def test_pages_of_the_web_are_not_welcome(
    place: Place, headers: dict[str, str], status: int
) -> None:
    about = {"protocolVersion": "2025-06-18", "capabilities": {}}
    params = {**about, "clientInfo": {"name": "test", "version": "1"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    accepted = {"Accept": "application/json, text/event-stream", **headers}
    panel = place.panel("capital", "http://127.0.0.1:1")
    async with (
        served(place, panel, "--allow-host", "box.lan") as url,
        httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as web,
    ):
        answer = await web.post(url, json=body, headers=accepted)
    assert answer.status_code == status, answer.text
    if status == 403:
        assert answer.json()["error"]["code"] == "not_welcome"


async def test_an_address_for_everybody_is_warned_of(place: Place) -> None:
    panel = place.panel("capital", "http://127.0.0.1:1")
    given = (panel, "--http", "--host", "0.0.0.0", "--port", "0")
    async with process(place, *given) as started:
        assert "listening on http://0.0.0.0:" in await line_of(started.stderr)
        assert "warning: anybody who reaches" in await line_of(started.stderr)
        started.send_signal(signal.SIGINT)
        with anyio.fail_after(PATIENCE):
            await started.communicate()
    assert started.returncode == 0
