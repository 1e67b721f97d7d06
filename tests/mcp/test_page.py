"""docs/mcp.md is true: its configurations start servers, and it names what there is."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from council.mcp.arguments import AskArguments, ExplainArguments
from council.testing import raw_server, whole_reply
from tests.mcp.served import PATIENCE, Place, texts
from tests.mcp.test_over_http import served

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "mcp.md").read_text()
BLOCKS: list[dict[str, Any]] = [
    json.loads(block)["mcpServers"]["council"]
    for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
]
STARTED = [block for block in BLOCKS if "command" in block]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("block", STARTED, ids=["by-name", "by-path"])
async def test_a_program_with_these_lines_has_the_tools(
    block: dict[str, Any], place: Place
) -> None:
    """As a program starts it, where `/home/me` is the test's folder."""
    place.panel("panel", "http://127.0.0.1:1")
    place.panel("debate", "http://127.0.0.1:1")
    command = place.folder / "council"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m council "$@"\n')
    command.chmod(0o755)
    path = f"{place.folder}{os.pathsep}{os.environ['PATH']}"
    server = StdioServerParameters(
        command=str(command),
        args=[text.replace("/home/me", str(place.folder)) for text in block["args"]],
        env={**block.get("env", {}), "PYTHONPATH": str(ROOT), "PATH": path},
        cwd=place.folder,
    )
    async with Client(stdio_client(server)) as client:
        listed = await client.call_tool("list_panels", {})
    assert listed.structured_content is not None
    names = [panel["name"] for panel in listed.structured_content["panels"]]
    assert names == (["panel", "careful"] if "env" in block else ["panel"])


async def test_a_program_that_takes_a_url_has_the_tools(place: Place) -> None:
    (block,) = (block for block in BLOCKS if "url" in block)
    key = block["headers"]["Authorization"].removeprefix("Bearer ")
    async with raw_server(whole_reply("Tokyo.")) as expert:
        panel = place.panel("panel", expert.url)
        async with (
            served(place, panel, "--api-key", key) as url,
            httpx2.AsyncClient(headers=block["headers"], timeout=PATIENCE, trust_env=False) as web,
            Client(streamable_http_client(url, http_client=web)) as client,
        ):
            answered = await client.call_tool("ask_panel", {"question": "Capital?"})
    assert texts(answered)[0] == "Tokyo."
    assert url.endswith("/mcp")
    assert block["url"].endswith("/mcp")


def test_it_names_every_argument() -> None:
    for tool, arguments in (("ask_panel", AskArguments), ("explain_run", ExplainArguments)):
        (row,) = re.findall(rf"`{tool}\((.*?)\)`", PAGE)
        assert re.findall(r"\w+", row) == list(arguments.model_fields)
