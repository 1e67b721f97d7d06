"""`council mcp` over standard input and output, with the SDK's own client."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import anyio
import pytest
from mcp.shared.exceptions import MCPError

from council.testing import (
    STREAM_HEAD,
    Step,
    chunked,
    delta,
    raw_server,
    until_closed,
    unused_port,
    whole_reply,
)
from tests.mcp.served import MODES, PATIENCE, Heard, Place, line_of, over_stdio, process, texts

pytestmark = pytest.mark.anyio

NOBODY = f"http://127.0.0.1:{unused_port()}"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("mode", MODES)
async def test_a_client_lists_calls_and_is_told_the_progress(place: Place, mode: str) -> None:
    async with raw_server(whole_reply("Tokyo.")) as one, raw_server(whole_reply("Tokyo.")) as two:
        panel = place.panel("capital", one.url, two.url, one.url)
        async with over_stdio(place, panel, mode=mode) as client:
            listed = await client.list_tools()
            panels = await client.call_tool("list_panels", {})
            heard = Heard()
            answered = await client.call_tool(
                "ask_panel", {"question": "Capital of Japan?"}, progress_callback=heard
            )
            assert answered.structured_content is not None
            run_id = answered.structured_content["run_id"]
            explained = await client.call_tool("explain_run", {"run_id": run_id})
    assert [tool.name for tool in listed.tools] == ["ask_panel", "explain_run", "list_panels"]
    assert panels.structured_content is not None
    assert panels.structured_content["panels"][0]["name"] == "capital"
    assert not answered.is_error
    assert texts(answered)[0] == answered.structured_content["answer"] == "Tokyo."
    assert answered.structured_content["agreement"]["agree"] == 3
    assert heard.values == sorted(set(heard.values))
    assert heard.values[-1] == heard.totals[-1] == 4
    assert [message[2:] for message in heard.messages if "has answered" in message] == [
        f" has answered ({n} of 3)" for n in (1, 2, 3)
    ]
    assert "## Votes" in texts(explained)[0]
    assert "Capital of Japan?" in texts(explained)[0]


async def test_a_dead_expert_is_said_and_a_lost_quorum_is_an_error(place: Place) -> None:
    async with raw_server(whole_reply("Tokyo.")) as server:
        degraded = place.panel("degraded", server.url, server.url, NOBODY)
        lost = place.panel("lost", server.url, NOBODY)
        async with over_stdio(place, degraded, lost, mode="auto") as client:
            heard = Heard()
            answered = await client.call_tool(
                "ask_panel", {"question": "?", "panel": "degraded"}, progress_callback=heard
            )
            failed = await client.call_tool("ask_panel", {"question": "?", "panel": "lost"})
            explained = await client.call_tool("explain_run", {})
    assert answered.structured_content is not None
    assert answered.structured_content["status"] == "degraded"
    assert "e2: could not connect" in answered.structured_content["reasons"][0]
    assert "degraded: e2: could not connect" in texts(answered)[1]
    assert any(message.startswith("failed: e2: could not") for message in heard.messages)
    assert failed.is_error
    assert "quorum lost: 1 of 2" in texts(failed)[0]
    assert "`council doctor`" in texts(failed)[0]
    assert explained.structured_content is not None
    assert "could not connect" in explained.structured_content["missing"][0]


async def test_errors_of_a_call_are_told_with_the_way_out(place: Place) -> None:
    panel = place.panel("capital", NOBODY)
    async with over_stdio(place, panel, mode="auto") as client:
        wrong = await client.call_tool("ask_panel", {"quest": "?"})
        unknown = await client.call_tool("explain_run", {"run_id": "ffff"})
        with pytest.raises(MCPError, match="no tool 'guess': there are ask_panel"):
            await client.call_tool("guess", {})
    assert wrong.is_error
    assert "question is missing; 'quest' is no argument of it" in texts(wrong)[0]
    assert unknown.is_error
    assert "no run" in texts(unknown)[0]


@pytest.mark.parametrize("mode", MODES)
async def test_a_cancelled_call_stops_the_run(place: Place, mode: str) -> None:
    asked = anyio.Event()

    async def arrived() -> None:
        asked.set()

    endless: list[Step] = [arrived, STREAM_HEAD, chunked(delta("Tokyo")), until_closed]
    async with raw_server(endless) as server:
        panel = place.panel("slow", server.url)
        async with over_stdio(place, panel, mode=mode) as client:

            async def ask() -> None:
                await client.call_tool("ask_panel", {"question": "?"}, progress_callback=Heard())

            with anyio.fail_after(PATIENCE):
                async with anyio.create_task_group() as group:
                    group.start_soon(ask)
                    await asked.wait()
                    group.cancel_scope.cancel()
                # The expert is let go of, and the server goes on.
                await server.wait_closed()
                assert (await client.list_tools()).tools


def request(number: int, method: str, **params: object) -> bytes:
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    return (json.dumps(message) + "\n").encode()


def hello() -> bytes:
    about = {"name": "test", "version": "1"}
    return (
        request(1, "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=about)
        + (json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}) + "\n").encode()
    )


async def test_nothing_but_the_protocol_is_on_standard_output(place: Place) -> None:
    async with raw_server(whole_reply("Tokyo.")) as server:
        panel = place.panel("capital", server.url)
        async with process(place, panel) as started:
            assert started.stdin is not None
            started.stdin.write(hello())
            lines = [await line_of(started.stdout)]
            started.stdin.write(b"this is no protocol\n")
            started.stdin.write(
                request(2, "tools/call", name="ask_panel", arguments={"question": "?"})
            )
            while f'"id":{2}' not in lines[-1]:
                lines.append(await line_of(started.stdout))
            started.stdin.close()
            with anyio.fail_after(PATIENCE):
                assert await started.wait() == 0
            assert started.stdout is not None
            rest = (await started.stdout.read()).decode()
    assert not rest
    for line in lines:
        assert json.loads(line)["jsonrpc"] == "2.0"


@pytest.mark.parametrize("end", ["input", "signal"])
async def test_the_end_stops_what_runs(place: Place, end: str) -> None:
    asked = anyio.Event()

    async def arrived() -> None:
        asked.set()

    endless: list[Step] = [arrived, STREAM_HEAD, chunked(delta("Tokyo")), until_closed]
    async with raw_server(endless) as server:
        panel = place.panel("slow", server.url)
        async with process(place, panel) as started:
            assert started.stdin is not None
            started.stdin.write(hello())
            await line_of(started.stdout)
            started.stdin.write(
                request(2, "tools/call", name="ask_panel", arguments={"question": "?"})
            )
            with anyio.fail_after(PATIENCE):
                await asked.wait()
                if end == "input":
                    started.stdin.close()
                else:
                    started.send_signal(signal.SIGTERM)
                code = await started.wait()
                await server.wait_closed()
    assert code == (0 if end == "input" else 128 + signal.SIGTERM)
    from council.store.store import Store

    with Store(place.environment["COUNCIL_STORE"]) as store:
        assert store.run("last").status == "interrupted"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere.yaml"], 2, "nowhere.yaml"),
        (["@builtin", "@builtin"], 2, "two panels are called"),
        (["@builtin", "--port", "1"], 2, "--port: an option of --http"),
        (["@builtin", "--api-key", "k"], 2, "--api-key: an option of --http"),
        (["@builtin", "--http", "--api-key", "short"], 2, "at least 8 characters"),
        (["@builtin", "--http", "--host", "256.0.0.1"], 2, "cannot listen on 256.0.0.1"),
    ],
)
async def test_what_cannot_be_served_is_said_at_once(
    place: Place, arguments: list[str], code: int, message: str
) -> None:
    async with process(place, *arguments) as started:
        with anyio.fail_after(PATIENCE):
            out, err = await started.communicate()
        assert started.returncode == code
    assert message in err.decode()
    assert not out
